import * as oauth from 'oauth4webapi';
import { Config } from '../api/models/config';

/** What the provider gave: both tokens live in memory only. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly idToken: string | null;
  readonly expiresAtMs: number;
}

/** What must survive the redirect to the provider and back; kept in the tab's session storage. */
interface Attempt {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly returnTo: string;
}

/** The provider said no, with its code, such as `login_required` after a silent attempt. */
export class SignInRefused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly returnTo: string,
  ) {
    super(message);
  }
}

export interface Provider {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; see discover()
  readonly options: { [oauth.allowInsecureRequests]: boolean };
}

const ATTEMPT_KEY = 'sign-in-attempt';
const SCOPE = 'openid profile email';

const redirectUri = (): string => `${location.origin}/signed-in`;

/** Discovery of the provider that `/v1/public/config` names. Plain http is for a platform on one's own machine. */
export async function discover(config: Config): Promise<Provider> {
  const issuer = new URL(config.issuer);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; https stays https
  const options = { [oauth.allowInsecureRequests]: issuer.protocol === 'http:' };
  const response = await oauth.discoveryRequest(issuer, options);
  const server = await oauth.processDiscoveryResponse(issuer, response);
  return { server, client: { client_id: config.client_id, [oauth.clockTolerance]: 30 }, options };
}

/** Leaves the page for the provider's. `silent` asks it to answer at once, without a form. */
export async function beginSignIn(provider: Provider, returnTo: string, silent: boolean): Promise<void> {
  const attempt: Attempt = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    returnTo,
  };
  sessionStorage.setItem(ATTEMPT_KEY, JSON.stringify(attempt));
  const url = new URL(provider.server.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    client_id: provider.client.client_id,
    redirect_uri: redirectUri(),
    response_type: 'code',
    scope: SCOPE,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: 'S256',
    ...(silent ? { prompt: 'none' } : {}),
  }).toString();
  location.assign(url);
}

/** Redeems the code in the address that the provider sent us back to. */
export async function finishSignIn(
  provider: Provider,
  address: URL,
): Promise<{ tokens: Tokens; returnTo: string }> {
  const stored = sessionStorage.getItem(ATTEMPT_KEY);
  sessionStorage.removeItem(ATTEMPT_KEY);
  if (!stored)
    throw new SignInRefused('no_attempt', 'This sign-in was not started here. Please sign in again.', '/');
  const attempt = JSON.parse(stored) as Attempt;
  try {
    const parameters = oauth.validateAuthResponse(provider.server, provider.client, address, attempt.state);
    const response = await oauth.authorizationCodeGrantRequest(
      provider.server,
      provider.client,
      oauth.None(),
      parameters,
      redirectUri(),
      attempt.verifier,
      provider.options,
    );
    const result = await oauth.processAuthorizationCodeResponse(provider.server, provider.client, response, {
      expectedNonce: attempt.nonce,
    });
    return { tokens: tokensOf(result, null), returnTo: attempt.returnTo };
  } catch (fault) {
    if (fault instanceof oauth.AuthorizationResponseError || fault instanceof oauth.ResponseBodyError) {
      const message = fault.error_description ?? 'The sign-in was refused. Please try again.';
      throw new SignInRefused(fault.error, message, attempt.returnTo);
    }
    throw fault;
  }
}

export async function refresh(provider: Provider, tokens: Tokens): Promise<Tokens> {
  if (!tokens.refreshToken) throw new SignInRefused('login_required', 'Please sign in again.', '/');
  const response = await oauth.refreshTokenGrantRequest(
    provider.server,
    provider.client,
    oauth.None(),
    tokens.refreshToken,
    provider.options,
  );
  return tokensOf(
    await oauth.processRefreshTokenResponse(provider.server, provider.client, response),
    tokens,
  );
}

/** Ends the session at the provider too, which then sends the browser back to `/`. */
export function endSession(provider: Provider, idToken: string | null): void {
  const endpoint = provider.server.end_session_endpoint;
  if (!endpoint) {
    location.assign('/');
    return;
  }
  const url = new URL(endpoint);
  url.search = new URLSearchParams({
    client_id: provider.client.client_id,
    post_logout_redirect_uri: `${location.origin}/`,
    ...(idToken ? { id_token_hint: idToken } : {}),
  }).toString();
  location.assign(url);
}

function tokensOf(result: oauth.TokenEndpointResponse, before: Tokens | null): Tokens {
  return {
    accessToken: result.access_token,
    refreshToken: result.refresh_token ?? before?.refreshToken ?? null,
    idToken: result.id_token ?? before?.idToken ?? null,
    expiresAtMs: Date.now() + (result.expires_in ?? 60) * 1000,
  };
}
