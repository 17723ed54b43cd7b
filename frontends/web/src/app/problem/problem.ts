import { HttpErrorResponse } from '@angular/common/http';
import { Problem } from '../api/models/problem';

/** What went wrong, in words for the person who asked, and where it belongs in a form. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Whether the platform gave an answer; without one the request may or may not have been done. */
  readonly definite: boolean;
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'message' in body;
}

function bodyOf(failure: HttpErrorResponse): unknown {
  if (typeof failure.error !== 'string') return failure.error;
  try {
    return JSON.parse(failure.error);
  } catch {
    return null;
  }
}

const FIELD_OF_CODE: Readonly<Record<string, string>> = {
  invalid_price: 'price',
  price_off_tick: 'price',
  price_too_large: 'price',
  invalid_quantity: 'quantity',
  quantity_below_executed: 'quantity',
  quantity_off_lot: 'quantity',
  quantity_too_large: 'quantity',
  order_quantity_limit: 'quantity',
  email_taken: 'email',
};

/** Any failure of a request as a Trouble: problem+json, a proxy's page, or no answer at all. */
export function troubleOf(failure: unknown): Trouble {
  if (!(failure instanceof HttpErrorResponse)) {
    const message = failure instanceof Error ? failure.message : 'Something went wrong in this page.';
    return { code: 'internal', message, fields: {}, definite: true };
  }
  const body = bodyOf(failure);
  if (isProblem(body)) {
    const fields: Record<string, string> = {};
    for (const fault of body.errors ?? []) fields[fault.field] = fault.message;
    const field = FIELD_OF_CODE[body.code];
    if (field && !(field in fields)) fields[field] = body.message;
    return { code: body.code, message: body.message, fields, definite: body.status < 500 };
  }
  if (failure.status === 0) {
    return {
      code: 'unreachable',
      message: 'The platform does not answer. Check your connection and try again.',
      fields: {},
      definite: false,
    };
  }
  return {
    code: 'unexpected',
    message: `The platform answered ${failure.status} without an explanation.`,
    fields: {},
    definite: failure.status < 500,
  };
}
