import { Component, inject, signal } from '@angular/core';
import { NonNullableFormBuilder, ReactiveFormsModule, Validators } from '@angular/forms';
import { MatButton } from '@angular/material/button';
import { MatFormFieldModule } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';
import { ProfileStore } from './profile-store';

const CHARACTERS_MIN = 12;
const CHARACTERS_MAX = 128;

/** A new password, with the current one. */
@Component({
  selector: 'trading-password-section',
  imports: [MatButton, MatFormFieldModule, MatInput, ReactiveFormsModule],
  template: `
    <section data-testid="password-section">
      <h2>Password</h2>
      <p class="muted">When it changes, you stay signed in here and are signed out everywhere else.</p>
      @if (store.passwordTrouble(); as it) {
        <p class="notice error" role="alert" data-testid="password-problem" [attr.data-code]="it.code">
          {{ it.message }}
        </p>
      }
      @if (store.passwordChanged()) {
        <p class="notice good" role="status" data-testid="password-changed">Your password was changed.</p>
      }
      <form [formGroup]="form" (submit)="change($event)">
        <mat-form-field>
          <mat-label>Current password</mat-label>
          <input
            matInput
            type="password"
            autocomplete="current-password"
            formControlName="current"
            data-testid="current-password"
          />
        </mat-form-field>
        <mat-form-field>
          <mat-label>New password</mat-label>
          <input
            matInput
            type="password"
            autocomplete="new-password"
            formControlName="next"
            data-testid="new-password"
          />
          <mat-error>{{ least }} to {{ most }} characters.</mat-error>
        </mat-form-field>
        <button matButton="outlined" type="submit" data-testid="change-password" [disabled]="busy()">
          Change password
        </button>
      </form>
    </section>
  `,
  styleUrl: './profile-page.scss',
})
export class PasswordSection {
  protected readonly store = inject(ProfileStore);
  protected readonly least = CHARACTERS_MIN;
  protected readonly most = CHARACTERS_MAX;
  protected readonly busy = signal(false);
  protected readonly form = inject(NonNullableFormBuilder).group({
    current: ['', Validators.required],
    next: [
      '',
      [Validators.required, Validators.minLength(CHARACTERS_MIN), Validators.maxLength(CHARACTERS_MAX)],
    ],
  });

  protected async change(event: Event): Promise<void> {
    event.preventDefault();
    if (this.form.invalid || this.busy()) return;
    const { current, next } = this.form.getRawValue();
    this.busy.set(true);
    if (await this.store.changePassword(current, next)) this.form.reset();
    this.busy.set(false);
  }
}
