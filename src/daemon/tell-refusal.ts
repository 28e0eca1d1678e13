import {render} from '../protocol/render.ts';
import type {ClaimError} from './claim.ts';
import {serveConnection} from './git/connection.ts';
import {Listener} from './git/listener.ts';

export interface RefusalParts {
  /** The sockets of systemd's. */
  readonly fds: Iterable<number>;
  /** Whether a daemon could start by now. Asked at each request. */
  readonly isRepaired: () => boolean;
  readonly over: Promise<unknown>;
}

/**
 * Where systemd holds the sockets, a git waits in front of them while a daemon that cannot start is started again and
 * again: it is told why, until it is `over`, or until that is repaired. Whoever finds it repaired hears nothing, for
 * which our helper asks once more, and the next daemon answers.
 */
export async function tellRefusal(
  {message, hint}: ClaimError,
  {fds, isRepaired, over}: RefusalParts,
): Promise<void> {
  const repaired = Promise.withResolvers<void>();
  const respond = async () => {
    if (isRepaired()) {
      repaired.resolve();
      throw new Error('repaired');
    }
    // which organizations are meant is not known: no git is stopped
    const errors = [`the orgkey daemon cannot start: ${message}`];
    return render({kind: 'failure', errors, hints: [hint], quit: false});
  };
  const listeners = await Promise.all(
    Array.from(fds, async (fd) => {
      const listener = new Listener((socket) => serveConnection(socket, respond));
      await listener.listen({fd});
      return listener;
    }),
  );
  await Promise.race([over, repaired.promise]);
  for (const listener of listeners) listener.stopAccepting();
  await Promise.all(listeners.map((listener) => listener.drained()));
}
