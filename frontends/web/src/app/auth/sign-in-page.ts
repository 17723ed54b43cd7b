import { Component, inject, input, signal } from '@angular/core';
import { MatButton } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { Mark } from '../shell/mark';
import { troubleOf } from '../problem/problem';
import { Session } from './session';

@Component({
  selector: 'trading-sign-in-page',
  imports: [MatButton, RouterLink, Mark],
  template: `
    <section class="card">
      <trading-mark class="mark" />
      <h1>Trading terminal</h1>
      <p class="lead">
        Live books, candles and your orders on a venue whose every state is rebuilt from one event log.
      </p>
      @if (ended()) {
        <p class="notice" role="status">Your session has ended. Please sign in again.</p>
      }
      @if (message() || problem(); as text) {
        <p class="notice error" role="alert" data-testid="sign-in-problem">{{ text }}</p>
      }
      <button
        matButton="filled"
        type="button"
        data-testid="sign-in"
        [disabled]="leaving()"
        (click)="signIn()"
      >
        {{ leaving() ? 'Opening the sign-in page…' : 'Sign in' }}
      </button>
      <p class="more">No account yet? <a routerLink="/register" data-testid="to-register">Register</a></p>
    </section>
  `,
  styleUrl: './entrance.scss',
})
export class SignInPage {
  readonly return = input<string>();
  readonly problem = input<string>();
  readonly ended = input<string>();
  protected readonly leaving = signal(false);
  protected readonly message = signal('');
  private readonly session = inject(Session);

  protected async signIn(): Promise<void> {
    this.leaving.set(true);
    this.message.set('');
    try {
      await this.session.begin(this.return() ?? '/', 'form');
    } catch (failure) {
      this.message.set(troubleOf(failure).message);
      this.leaving.set(false);
    }
  }
}
