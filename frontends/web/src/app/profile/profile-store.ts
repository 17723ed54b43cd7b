import { inject } from '@angular/core';
import { patchState, signalStore, withMethods, withProps, withState } from '@ngrx/signals';
import { Api } from '../api/api';
import { changePassword } from '../api/fn/users/change-password';
import { createApiKey } from '../api/fn/users/create-api-key';
import { getMe } from '../api/fn/users/get-me';
import { listApiKeys } from '../api/fn/users/list-api-keys';
import { revokeApiKey } from '../api/fn/users/revoke-api-key';
import { updateMe } from '../api/fn/users/update-me';
import { ApiKey } from '../api/models/api-key';
import { CreatedApiKey } from '../api/models/created-api-key';
import { User } from '../api/models/user';
import { Session } from '../auth/session';
import { Trouble, troubleOf } from '../problem/problem';

interface ProfileState {
  readonly user: User | null;
  readonly keys: readonly ApiKey[];
  /** The key that was just made: its secret is shown until the page is left. */
  readonly created: CreatedApiKey | null;
  readonly saved: boolean;
  readonly busy: boolean;
  readonly trouble: Trouble | null;
  readonly passwordChanged: boolean;
  readonly passwordTrouble: Trouble | null;
}

/** One's own profile and API keys. */
export const ProfileStore = signalStore(
  withState<ProfileState>({
    user: null,
    keys: [],
    created: null,
    saved: false,
    busy: false,
    trouble: null,
    passwordChanged: false,
    passwordTrouble: null,
  }),
  withProps(() => ({ _api: inject(Api), _session: inject(Session) })),
  withMethods((store) => {
    const doing = async (work: () => Promise<void>): Promise<void> => {
      patchState(store, { busy: true, saved: false, trouble: null });
      try {
        await work();
      } catch (failure) {
        patchState(store, { trouble: troubleOf(failure) });
      } finally {
        patchState(store, { busy: false });
      }
    };
    const fetchKeys = async (): Promise<void> => {
      const list = await store._api.invoke(listApiKeys);
      patchState(store, { keys: list.items.filter((key) => key.revoked_at === null) });
    };
    return {
      load: () =>
        doing(async () => {
          patchState(store, { user: await store._api.invoke(getMe) });
          await fetchKeys();
        }),
      /** Whether it was changed; every session but this one has ended then. */
      async changePassword(current_password: string, new_password: string): Promise<boolean> {
        patchState(store, { passwordChanged: false, passwordTrouble: null });
        try {
          await store._api.invoke(changePassword, { body: { current_password, new_password } });
          patchState(store, { passwordChanged: true });
        } catch (failure) {
          patchState(store, { passwordTrouble: troubleOf(failure) });
        }
        return store.passwordChanged();
      },
      rename: (name: string) =>
        doing(async () => {
          const user = await store._api.invoke(updateMe, { body: { name } });
          patchState(store, { user, saved: true });
          store._session.rename(user.name);
        }),
      createKey: (name: string) =>
        doing(async () => {
          const created = await store._api.invoke(createApiKey, {
            body: { name },
            'Idempotency-Key': crypto.randomUUID(),
          });
          patchState(store, { created });
          await fetchKeys();
        }),
      revokeKey: (key: ApiKey) =>
        doing(async () => {
          await store._api.invoke(revokeApiKey, { key_id: key.key_id });
          patchState(store, (state) => ({
            created: state.created?.key_id === key.key_id ? null : state.created,
          }));
          await fetchKeys();
        }),
    };
  }),
);
