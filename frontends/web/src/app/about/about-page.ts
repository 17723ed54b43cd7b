import { Component, inject, signal } from '@angular/core';
import { Api } from '../api/api';
import { getConfig } from '../api/fn/public/get-config';
import { Config } from '../api/models/config';
import { Mark } from '../shell/mark';

/** What this is, and whose work it stands on. */
@Component({
  selector: 'trading-about-page',
  imports: [Mark],
  template: `
    <article>
      <trading-mark class="mark" />
      <h1>{{ config()?.name ?? 'Trading platform' }}</h1>
      @if (config(); as it) {
        <p class="muted">Version {{ it.version }}</p>
      }
      <p>
        A trading venue and brokerage whose every state — books, balances, orders, candles, this screen — is
        folded from one ordered log of events. Nothing is updated, nothing is deleted, so everything can be
        explained and replayed.
      </p>
      <p><a href="/docs">API documentation</a></p>
      <h2>Notices</h2>
      <p data-testid="tradingview-notice">
        The charts are drawn with TradingView Lightweight Charts™, © 2025
        <a href="https://www.tradingview.com/" target="_blank" rel="noopener">TradingView, Inc.</a>, licensed
        under the Apache License 2.0.
      </p>
      <p>
        Built with Angular, Angular Material and RxJS, NgRx Signals, oauth4webapi, and the typeface Inter (SIL
        Open Font License 1.1). Their licences are in <code>3rdpartylicenses.txt</code> beside this
        application.
      </p>
    </article>
  `,
  styles: `
    article {
      max-width: 640px;
      margin: 0 auto;
      padding: 48px 20px;
      line-height: 1.6;
    }

    .mark {
      width: 44px;
      height: 44px;
    }

    h1 {
      margin: 16px 0 0;
      font-size: 26px;
      letter-spacing: -0.02em;
    }

    h2 {
      margin-top: 36px;
      font-size: 16px;
    }
  `,
})
export class AboutPage {
  protected readonly config = signal<Config | null>(null);

  constructor() {
    inject(Api)
      .invoke(getConfig)
      .then((config) => {
        this.config.set(config);
      })
      .catch(() => undefined); // the page says all that matters without it
  }
}
