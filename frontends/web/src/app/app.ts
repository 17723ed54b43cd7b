import { Component, computed, effect, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatMenuModule } from '@angular/material/menu';
import { MatSnackBar } from '@angular/material/snack-bar';
import { MatTooltip } from '@angular/material/tooltip';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { Session } from './auth/session';
import { fillText } from './orders/words';
import { OrdersStore } from './orders/orders-store';
import { Icon, IconName } from './shell/icon';
import { Mark } from './shell/mark';
import { Theme, ThemeChoice } from './shell/theme';
import { Stream } from './stream/stream';

const STATUS_TEXT = { idle: '', connecting: 'Connecting', live: 'Live', waiting: 'Reconnecting' } as const;
const THEMES: readonly { choice: ThemeChoice; label: string; icon: IconName }[] = [
  { choice: 'dark', label: 'Dark', icon: 'moon' },
  { choice: 'light', label: 'Light', icon: 'sun' },
  { choice: 'system', label: 'Like the system', icon: 'system' },
];

@Component({
  selector: 'trading-root',
  imports: [
    Icon,
    Mark,
    MatButton,
    MatIconButton,
    MatMenuModule,
    MatTooltip,
    RouterLink,
    RouterLinkActive,
    RouterOutlet,
  ],
  templateUrl: './app.html',
  styleUrl: './app.scss',
})
export class App {
  protected readonly session = inject(Session);
  protected readonly theme = inject(Theme);
  protected readonly stream = inject(Stream);
  protected readonly themes = THEMES;
  protected readonly status = computed(() => STATUS_TEXT[this.stream.status()]);
  protected readonly initials = computed(() =>
    this.session
      .label()
      .split(/[\s@.]+/)
      .slice(0, 2)
      .map((word) => word.charAt(0).toUpperCase())
      .join(''),
  );

  constructor() {
    const orders = inject(OrdersStore);
    const snackBar = inject(MatSnackBar);
    effect(() => {
      if (this.session.isSignedIn()) orders.follow();
      else orders.clear();
    });
    orders.events.pipe(takeUntilDestroyed()).subscribe((event) => {
      const text = fillText(event);
      if (text) snackBar.open(text, undefined, { duration: 3500, horizontalPosition: 'start' });
    });
  }

  protected signOut(): void {
    void this.session.signOut();
  }
}
