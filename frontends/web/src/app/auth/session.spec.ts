import { provideHttpClient } from '@angular/common/http';
import { provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { claimsOf, Session } from './session';

const jwt = (claims: object): string => {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const payload = btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
  return `e30.${payload}.c2ln`;
};

describe('the session', () => {
  it('reads names in any script from a token', () => {
    expect(claimsOf(jwt({ sub: 'u', name: 'Zoë Ødegård 山田' })).name).toBe('Zoë Ødegård 山田');
  });

  it('starts signed out, without a token', async () => {
    sessionStorage.clear();
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
    const session = TestBed.inject(Session);
    expect(session.isSignedIn()).toBe(false);
    expect(session.mayTrade()).toBe(false);
    expect(session.wasSignedIn()).toBe(false);
    expect(await session.accessToken()).toBeNull();
    expect(await session.renew()).toBeNull();
  });
});
