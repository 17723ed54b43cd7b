import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { ComponentFixture, TestBed } from '@angular/core/testing';
import { ApiConfiguration } from '../api/api-configuration';
import { Session } from '../auth/session';
import { PasswordSection } from './password-section';
import { ProfileStore } from './profile-store';

describe('a new password', () => {
  let fixture: ComponentFixture<PasswordSection>;
  let http: HttpTestingController;

  const find = (id: string): HTMLElement | null =>
    (fixture.nativeElement as HTMLElement).querySelector(`[data-testid="${id}"]`);
  const type = (id: string, value: string): void => {
    const input = find(id) as HTMLInputElement;
    input.value = value;
    input.dispatchEvent(new Event('input'));
  };
  const settled = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve));
    await fixture.whenStable();
  };
  const change = async (current: string, next: string): Promise<void> => {
    type('current-password', current);
    type('new-password', next);
    find('change-password')?.click();
    await fixture.whenStable();
  };

  beforeEach(async () => {
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(),
        provideHttpClientTesting(),
        ProfileStore,
        { provide: Session, useValue: {} },
      ],
    });
    TestBed.inject(ApiConfiguration).rootUrl = '/v1';
    http = TestBed.inject(HttpTestingController);
    fixture = TestBed.createComponent(PasswordSection);
    await fixture.whenStable();
  });

  it('is sent with the current one, and the form is empty again', async () => {
    await change('correct horse battery', 'staple of the correct horse');
    const request = http.expectOne('/v1/users/me/password');
    expect([request.request.method, request.request.body]).toEqual([
      'PUT',
      { current_password: 'correct horse battery', new_password: 'staple of the correct horse' },
    ]);
    request.flush(null, { status: 204, statusText: 'No Content' });
    await settled();
    expect(find('password-changed')).not.toBeNull();
    expect((find('new-password') as HTMLInputElement).value).toBe('');
  });

  it('is refused in words, and what was typed stays', async () => {
    await change('not it', 'staple of the correct horse');
    const body = { code: 'wrong_password', message: 'The current password is another one.', status: 422 };
    http.expectOne('/v1/users/me/password').flush(body, { status: 422, statusText: '' });
    await settled();
    expect(find('password-problem')?.textContent.trim()).toBe('The current password is another one.');
    expect((find('current-password') as HTMLInputElement).value).toBe('not it');
  });

  it.each([
    ['', 'staple of the correct horse'],
    ['correct horse battery', 'too short'],
  ])('is not sent when one is missing or too short: "%s", "%s"', async (current, next) => {
    await change(current, next);
    http.expectNone('/v1/users/me/password');
    expect(find('password-changed')).toBeNull();
  });
});
