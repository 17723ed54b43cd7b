import { effect, Injectable, signal } from '@angular/core';

export type ThemeChoice = 'dark' | 'light' | 'system';

const KEY = 'theme';

/** Dark unless the person chose otherwise; `system` follows the operating system. */
@Injectable({ providedIn: 'root' })
export class Theme {
  readonly choice = signal<ThemeChoice>(stored());
  /** Counts visible changes, for what paints on a canvas and cannot follow CSS by itself. */
  readonly changes = signal(0);

  constructor() {
    effect(() => {
      const choice = this.choice();
      localStorage.setItem(KEY, choice);
      document.documentElement.style.colorScheme = choice === 'system' ? 'light dark' : choice;
      this.changes.update((count) => count + 1);
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.changes.update((count) => count + 1);
    });
  }
}

function stored(): ThemeChoice {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'system' ? value : 'dark';
}
