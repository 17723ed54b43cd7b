import { inject } from '@angular/core';
import { CanActivateFn, Router } from '@angular/router';
import { Session } from './session';

/** Lets signed-in people through; after a reload asks the provider silently; sends everyone else to the sign-in page. */
export const signedIn: CanActivateFn = async (_route, state) => {
  const session = inject(Session);
  const router = inject(Router);
  if (session.isSignedIn()) return true;
  const signInPage = router.createUrlTree(['/sign-in'], { queryParams: { return: state.url } });
  if (!session.wasSignedIn()) return signInPage;
  try {
    await session.begin(state.url, 'silent');
    return false;
  } catch {
    return signInPage;
  }
};
