import { Component, inject, signal } from '@angular/core';
import { NonNullableFormBuilder, ReactiveFormsModule, Validators } from '@angular/forms';
import { MatButton } from '@angular/material/button';
import { MatFormFieldModule } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';
import { RouterLink } from '@angular/router';
import { Api } from '../api/api';
import { register } from '../api/fn/public/register';
import { Trouble, troubleOf } from '../problem/problem';

const PASSWORD_LENGTH_MIN = 12;

@Component({
  selector: 'trading-register-page',
  imports: [MatButton, MatFormFieldModule, MatInput, ReactiveFormsModule, RouterLink],
  template: `
    <form class="card" [formGroup]="form" (ngSubmit)="submit()">
      <h1>Register</h1>
      @if (answer(); as text) {
        <p class="notice good" role="status" data-testid="registered">{{ text }}</p>
        <a matButton="filled" routerLink="/sign-in">Go to sign in</a>
      } @else {
        <p class="lead">A name, an address and a password. Your account is opened at once.</p>
        <mat-form-field>
          <mat-label>Name</mat-label>
          <input matInput formControlName="name" autocomplete="name" data-testid="register-name" />
          <mat-error>{{ trouble()?.fields?.['name'] ?? 'Your name, 100 characters at most.' }}</mat-error>
        </mat-form-field>
        <mat-form-field>
          <mat-label>E-mail</mat-label>
          <input
            matInput
            type="email"
            formControlName="email"
            autocomplete="email"
            data-testid="register-email"
          />
          <mat-error>{{ trouble()?.fields?.['email'] ?? 'An address such as ada@example.com.' }}</mat-error>
        </mat-form-field>
        <mat-form-field>
          <mat-label>Password</mat-label>
          <input
            matInput
            type="password"
            formControlName="password"
            autocomplete="new-password"
            data-testid="register-password"
          />
          <mat-hint>At least 12 characters.</mat-hint>
          <mat-error>{{ trouble()?.fields?.['password'] ?? 'At least 12 characters.' }}</mat-error>
        </mat-form-field>
        @if (trouble(); as it) {
          <p class="notice error" role="alert">{{ it.message }}</p>
        }
        <button matButton="filled" type="submit" [disabled]="busy()" data-testid="register">Register</button>
        <p class="more">Already registered? <a routerLink="/sign-in">Sign in</a></p>
      }
    </form>
  `,
  styleUrl: './entrance.scss',
})
export class RegisterPage {
  private readonly api = inject(Api);
  protected readonly answer = signal('');
  protected readonly trouble = signal<Trouble | null>(null);
  protected readonly busy = signal(false);
  protected readonly form = inject(NonNullableFormBuilder).group({
    name: ['', [Validators.required, Validators.maxLength(100)]],
    email: ['', [Validators.required, Validators.email]],
    password: ['', [Validators.required, Validators.minLength(PASSWORD_LENGTH_MIN)]],
  });

  protected async submit(): Promise<void> {
    this.form.markAllAsTouched();
    if (this.form.invalid) return;
    this.busy.set(true);
    this.trouble.set(null);
    try {
      const accepted = await this.api.invoke(register, { body: this.form.getRawValue() });
      this.answer.set(accepted.message);
    } catch (failure) {
      const trouble = troubleOf(failure);
      this.trouble.set(trouble);
      for (const field of Object.keys(trouble.fields)) this.form.get(field)?.setErrors({ refused: true });
    } finally {
      this.busy.set(false);
    }
  }
}
