import { Component } from '@angular/core';

/** The platform's mark. */
@Component({
  selector: 'trading-mark',
  template: `
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#12202f" />
      <path d="M10 7v4m0 8v6M22 6v5m0 9v5" stroke="#5b9cff" stroke-width="2" stroke-linecap="round" />
      <rect x="7" y="11" width="6" height="8" rx="1.5" fill="#2ebd85" />
      <rect x="19" y="11" width="6" height="9" rx="1.5" fill="#5b9cff" />
    </svg>
  `,
  styles: `
    :host {
      display: block;
      width: 28px;
      height: 28px;
    }

    svg {
      display: block;
      width: 100%;
      height: 100%;
    }
  `,
})
export class Mark {}
