import { HttpErrorResponse, HttpInterceptorFn } from '@angular/common/http';
import { inject } from '@angular/core';
import { catchError, from, switchMap, throwError } from 'rxjs';
import { Session } from './session';

/** Adds the token to the platform's own, non-public paths, and retries once with a new one after a 401. */
export const bearerToken: HttpInterceptorFn = (request, next) => {
  if (!request.url.startsWith('/v1/') || request.url.startsWith('/v1/public/')) return next(request);
  const session = inject(Session);
  const sent = (token: string | null) =>
    next(token ? request.clone({ setHeaders: { Authorization: `Bearer ${token}` } }) : request);
  return from(session.accessToken()).pipe(
    switchMap(sent),
    catchError((failure: unknown) => {
      if (!(failure instanceof HttpErrorResponse) || failure.status !== 401) return throwError(() => failure);
      return from(session.renew()).pipe(
        switchMap((token) => (token ? sent(token) : throwError(() => failure))),
      );
    }),
  );
};
