import { inject } from '@angular/core';
import { patchState, signalStore, withMethods, withProps, withState } from '@ngrx/signals';
import { Api } from '../api/api';
import { listInstruments } from '../api/fn/market-data/list-instruments';
import { Instrument } from '../api/models/instrument';
import { troubleOf } from '../problem/problem';

interface InstrumentsState {
  readonly all: readonly Instrument[];
  readonly isLoaded: boolean;
  readonly message: string;
}

const PAGE_ITEMS = 500;

/** What can be traded here, page by page; fetched once. */
export const Instruments = signalStore(
  { providedIn: 'root' },
  withState<InstrumentsState>({ all: [], isLoaded: false, message: '' }),
  withProps(() => ({ _api: inject(Api) })),
  withMethods((store) => ({
    async load(): Promise<void> {
      if (store.isLoaded()) return;
      try {
        const all: Instrument[] = [];
        let cursor: string | undefined;
        do {
          const page = await store._api.invoke(listInstruments, { limit: PAGE_ITEMS, cursor });
          all.push(...page.items);
          cursor = page.next_cursor ?? undefined;
        } while (cursor);
        patchState(store, { all, isLoaded: true, message: '' });
      } catch (failure) {
        patchState(store, { message: troubleOf(failure).message });
      }
    },
  })),
);
export type Instruments = InstanceType<typeof Instruments>;
