import { Clipboard } from '@angular/cdk/clipboard';
import { DatePipe } from '@angular/common';
import { Component, effect, inject, signal } from '@angular/core';
import { NonNullableFormBuilder, ReactiveFormsModule, Validators } from '@angular/forms';
import { MatButton, MatIconButton } from '@angular/material/button';
import { MatFormFieldModule } from '@angular/material/form-field';
import { MatInput } from '@angular/material/input';
import { Icon } from '../shell/icon';
import { PasswordSection } from './password-section';
import { ProfileStore } from './profile-store';

@Component({
  selector: 'trading-profile-page',
  imports: [
    DatePipe,
    Icon,
    MatButton,
    MatFormFieldModule,
    MatIconButton,
    MatInput,
    PasswordSection,
    ReactiveFormsModule,
  ],
  providers: [ProfileStore],
  templateUrl: './profile-page.html',
  styleUrl: './profile-page.scss',
})
export class ProfilePage {
  protected readonly store = inject(ProfileStore);
  protected readonly copied = signal(false);
  protected readonly name = inject(NonNullableFormBuilder).control('', [
    Validators.required,
    Validators.maxLength(100),
  ]);
  protected readonly keyName = inject(NonNullableFormBuilder).control('', [Validators.maxLength(64)]);
  private readonly clipboard = inject(Clipboard);

  constructor() {
    void this.store.load();
    effect(() => {
      const user = this.store.user();
      if (user) this.name.reset(user.name);
    });
  }

  protected save(event: Event): void {
    event.preventDefault();
    if (this.name.valid) void this.store.rename(this.name.value.trim());
  }

  protected async create(event: Event): Promise<void> {
    event.preventDefault();
    this.copied.set(false);
    await this.store.createKey(this.keyName.value.trim() || 'API key');
    this.keyName.reset();
  }

  protected copy(text: string): void {
    this.copied.set(this.clipboard.copy(text));
  }
}
