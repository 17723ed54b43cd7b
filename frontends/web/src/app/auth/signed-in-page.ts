import { Component, inject } from '@angular/core';
import { MatProgressSpinner } from '@angular/material/progress-spinner';
import { Router } from '@angular/router';
import { SignInRefused } from './oidc';
import { Session } from './session';

/** Where the provider sends the browser back to; passes on at once. */
@Component({
  selector: 'trading-signed-in-page',
  imports: [MatProgressSpinner],
  template: `<mat-spinner diameter="40" aria-label="Signing in" />`,
  styles: `
    :host {
      display: grid;
      place-items: center;
      min-height: 60vh;
    }
  `,
})
export class SignedInPage {
  private readonly session = inject(Session);
  private readonly router = inject(Router);

  constructor() {
    void this.passOn();
  }

  private async passOn(): Promise<void> {
    try {
      const returnTo = await this.session.finish(new URL(location.href));
      await this.router.navigateByUrl(returnTo, { replaceUrl: true });
    } catch (fault) {
      const refused = fault instanceof SignInRefused;
      const silent = refused && fault.code === 'login_required';
      const message = refused ? fault.message : 'The sign-in did not work. Please try again.';
      await this.router.navigate(['/sign-in'], {
        replaceUrl: true,
        queryParams: { return: refused ? fault.returnTo : '/', ...(silent ? {} : { problem: message }) },
      });
    }
  }
}
