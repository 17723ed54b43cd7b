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

/** What can be traded here; fetched once. */
export const Instruments = signalStore(
  { providedIn: 'root' },
  withState<InstrumentsState>({ all: [], isLoaded: false, message: '' }),
  withProps(() => ({ _api: inject(Api) })),
  withMethods((store) => ({
    async load(): Promise<void> {
      if (store.isLoaded()) return;
      try {
        const page = await store._api.invoke(listInstruments, { limit: 500 });
        patchState(store, { all: page.items, isLoaded: true, message: '' });
      } catch (failure) {
        patchState(store, { message: troubleOf(failure).message });
      }
    },
  })),
);
export type Instruments = InstanceType<typeof Instruments>;
