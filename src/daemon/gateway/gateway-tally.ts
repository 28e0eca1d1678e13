import type {Carried} from '../../gateway/carried.ts';

type Counts = Record<Carried['outcome'] | 'sent' | 'received', number>;

/** Counts what each gateway did since the start. A gateway that is configured again goes on with its counts. */
export class GatewayTally {
  readonly #byGateway = new Map<string, Counts>();

  note(gateway: string, {outcome, sent, received}: Carried): void {
    const counts = this.#byGateway.get(gateway) ?? none();
    this.#byGateway.set(gateway, counts);
    counts[outcome]++;
    counts.sent += sent;
    counts.received += received;
  }

  of(gateway: string): Readonly<Counts> {
    return this.#byGateway.get(gateway) ?? none();
  }
}

function none(): Counts {
  return {carried: 0, denied: 0, failed: 0, sent: 0, received: 0};
}
