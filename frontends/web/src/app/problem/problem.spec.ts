import { HttpErrorResponse } from '@angular/common/http';
import { troubleOf } from './problem';

const problem = (status: number, code: string, errors?: { field: string; message: string }[]) => ({
  type: `/problems/${code}`,
  title: code,
  status,
  code,
  message: `because ${code}`,
  request_id: 'r1',
  errors,
});

describe('what went wrong', () => {
  it.each([
    ['a refusal', { status: 422, error: problem(422, 'insufficient_funds') }, 'insufficient_funds', {}, true],
    [
      'a refusal that names fields',
      {
        status: 400,
        error: problem(400, 'invalid_request', [{ field: 'quantity', message: 'must be above 0' }]),
      },
      'invalid_request',
      { quantity: 'must be above 0' },
      true,
    ],
    [
      'a code that belongs to a field',
      { status: 422, error: problem(422, 'invalid_price') },
      'invalid_price',
      { price: 'because invalid_price' },
      true,
    ],
    [
      'a price between two ticks belongs to its field',
      { status: 422, error: problem(422, 'price_off_tick') },
      'price_off_tick',
      { price: 'because price_off_tick' },
      true,
    ],
    [
      'a quantity between two lots belongs to its field',
      { status: 422, error: problem(422, 'quantity_off_lot') },
      'quantity_off_lot',
      { quantity: 'because quantity_off_lot' },
      true,
    ],
    [
      'a problem that came as text',
      { status: 429, error: JSON.stringify(problem(429, 'rate_limited')) },
      'rate_limited',
      {},
      true,
    ],
    [
      'an outage leaves the outcome open',
      { status: 503, error: problem(503, 'unavailable') },
      'unavailable',
      {},
      false,
    ],
    ['a proxy page', { status: 502, error: '<html>' }, 'unexpected', {}, false],
    ['no answer', { status: 0, error: new ProgressEvent('error') }, 'unreachable', {}, false],
  ])('%s', (_name, response, code, fields, definite) => {
    const trouble = troubleOf(new HttpErrorResponse(response));
    expect({ code: trouble.code, fields: trouble.fields, definite: trouble.definite }).toEqual({
      code,
      fields,
      definite,
    });
    expect(trouble.message).not.toBe('');
  });

  it('a fault of this page speaks for itself', () => {
    expect(troubleOf(new Error('boom')).message).toBe('boom');
  });
});
