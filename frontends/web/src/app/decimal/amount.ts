import { Pipe, PipeTransform } from '@angular/core';
import { display, parse } from './decimal';

/** `'64250.1' | amount: 2` is 64,250.10; `| amount: 0 : 8` keeps up to eight decimals; null is a dash. */
@Pipe({ name: 'amount' })
export class Amount implements PipeTransform {
  transform(value: string | null | undefined, least = 0, most = Math.max(least, 10)): string {
    const parsed = parse(value ?? '');
    return parsed ? display(parsed, least, most) : '–';
  }
}
