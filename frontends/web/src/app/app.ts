import { Component, computed, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatMenuModule } from '@angular/material/menu';
import { MatSnackBar } from '@angular/material/snack-bar';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { Session } from './auth/session';
import { fillsText } from './orders/words';
import { OrdersStore } from './orders/orders-store';
import { compactScreen } from './shell/compact';
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
  imports: [Icon, Mark, MatButton, MatIconButton, MatMenuModule, RouterLink, RouterLinkActive, RouterOutlet],
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
    const compact = compactScreen();
    orders.follow(this.session.isSignedIn);
    orders.fills.pipe(takeUntilDestroyed()).subscribe((filled) => {
      snackBar.open(fillsText(filled), undefined, {
        duration: 3500,
        horizontalPosition: 'start',
        panelClass: compact() ? 'above-quick' : [],
      });
    });
  }

  protected signOut(): void {
    void this.session.signOut();
  }
}
