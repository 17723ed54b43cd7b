import { DestroyRef, inject, signal, Signal } from '@angular/core';

/** Whether the screen is too narrow for panels side by side; follows the window. Call in an injection context. */
export function compactScreen(): Signal<boolean> {
  const query = matchMedia('(max-width: 1099px)');
  const compact = signal(query.matches);
  const follow = (change: MediaQueryListEvent): void => {
    compact.set(change.matches);
  };
  query.addEventListener('change', follow);
  inject(DestroyRef).onDestroy(() => {
    query.removeEventListener('change', follow);
  });
  return compact.asReadonly();
}
