import { computed, inject } from '@angular/core';
import { Router } from '@angular/router';
import { patchState, signalStore, withComputed, withMethods, withProps, withState } from '@ngrx/signals';
import { Api } from '../api/api';
import { getConfig } from '../api/fn/public/get-config';
import type { Provider, Tokens } from './oidc';

interface Claims {
  readonly sub: string;
  readonly name?: string;
  readonly email?: string;
  readonly roles?: readonly string[];
}

interface SessionState {
  readonly claims: Claims | null;
  /** Counts tokens, so that an open stream knows when to show the new one. */
  readonly tokenNumber: number;
}

/** The protocol's library is only needed on the way in and out. */
const protocol = () => import('./oidc');

/** Renewed after this part of its life; a request does not set out with less than `LEFT_MS_MIN`. */
const RENEW_AFTER_RATIO = 0.75;
const LEFT_MS_MIN = 5_000;
const SIGNED_IN_BEFORE = 'signed-in-before';

/** The payload of a token that the provider just gave us over its own connection; the server verifies signatures. */
export function claimsOf(jwt: string): Claims {
  const payload = (jwt.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
  const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
}

/** Who is signed in. Tokens stay in this closure: not in storage, not in the state that tools can read. */
export const Session = signalStore(
  { providedIn: 'root' },
  withState<SessionState>({ claims: null, tokenNumber: 0 }),
  withComputed(({ claims }) => ({
    isSignedIn: computed(() => claims() !== null),
    mayTrade: computed(() => claims()?.roles?.includes('TRADER') ?? false),
    label: computed(() => claims()?.name ?? claims()?.email ?? ''),
  })),
  withProps(() => ({ _api: inject(Api), _router: inject(Router) })),
  withMethods((store) => {
    let tokens: Tokens | null = null;
    let provider: Promise<Provider> | null = null;
    let renewal: Promise<string | null> | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const theProvider = (): Promise<Provider> => {
      provider ??= Promise.all([protocol(), store._api.invoke(getConfig)])
        .then(([oidc, config]) => oidc.discover(config))
        .catch((fault: unknown) => {
          provider = null;
          throw fault;
        });
      return provider;
    };

    const keep = (next: Tokens): void => {
      tokens = next;
      sessionStorage.setItem(SIGNED_IN_BEFORE, 'yes');
      const claims = { ...(next.idToken ? claimsOf(next.idToken) : {}), ...claimsOf(next.accessToken) };
      patchState(store, (state) => ({ claims, tokenNumber: state.tokenNumber + 1 }));
      clearTimeout(timer);
      timer = setTimeout(() => void renew(), (next.expiresAtMs - Date.now()) * RENEW_AFTER_RATIO);
    };

    const forget = (): void => {
      tokens = null;
      clearTimeout(timer);
      patchState(store, { claims: null });
    };

    const renew = (): Promise<string | null> => {
      renewal ??= (async () => {
        try {
          if (!tokens) return null;
          const current = tokens;
          const oidc = await protocol();
          keep(await oidc.refresh(await theProvider(), current));
          return tokens.accessToken;
        } catch {
          if (tokens && tokens.expiresAtMs > Date.now()) return tokens.accessToken;
          forget();
          void store._router.navigate(['/sign-in'], {
            queryParams: { return: store._router.url, ended: true },
          });
          return null;
        } finally {
          renewal = null;
        }
      })();
      return renewal;
    };

    return {
      /** A token that is good for a request now; null when nobody is signed in. */
      async accessToken(): Promise<string | null> {
        if (!tokens) return null;
        return tokens.expiresAtMs - Date.now() > LEFT_MS_MIN ? tokens.accessToken : renew();
      },
      /** The server refused the token: get another one. */
      renew,
      /** A reload loses the tokens, not the provider's session: whether a silent sign-in is worth a try. */
      wasSignedIn: (): boolean => sessionStorage.getItem(SIGNED_IN_BEFORE) !== null,
      async begin(returnTo: string, how: 'silent' | 'form'): Promise<void> {
        const oidc = await protocol();
        await oidc.beginSignIn(await theProvider(), returnTo, how === 'silent');
      },
      /** Where to go next. Throws SignInRefused. */
      async finish(address: URL): Promise<string> {
        const oidc = await protocol();
        try {
          const done = await oidc.finishSignIn(await theProvider(), address);
          keep(done.tokens);
          return done.returnTo;
        } catch (fault) {
          if (fault instanceof oidc.SignInRefused) sessionStorage.removeItem(SIGNED_IN_BEFORE);
          throw fault;
        }
      },
      async signOut(): Promise<void> {
        const idToken = tokens?.idToken ?? null;
        sessionStorage.removeItem(SIGNED_IN_BEFORE);
        forget();
        const oidc = await protocol();
        oidc.endSession(await theProvider(), idToken);
      },
      /** The profile was renamed; the token still carries the old name. */
      rename(name: string): void {
        patchState(store, (state) => ({ claims: state.claims && { ...state.claims, name } }));
      },
    };
  }),
);
export type Session = InstanceType<typeof Session>;
