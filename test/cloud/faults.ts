import {glob, type Endpoint, type RequestRecord} from './records.ts';

/** Several endpoints by one name. */
const groups = {
  entra: ['discovery', 'openid', 'keys', 'token', 'authorize', 'device-code', 'sign-in'],
  oidc: ['github-oidc', 'pipelines-oidc'],
  'managed-identity': ['imds', 'app-service', 'arc', 'machine-learning', 'cloud-shell', 'service-fabric'],
  'azure-devops': ['git', 'connection-data', 'lfs', 'feed', 'azure-devops'],
} as const satisfies Record<string, readonly Endpoint[]>;

/**
 * Something that goes wrong. The first fields say for which requests, the others what happens.
 * If several faults match, the oldest that is not used up counts.
 */
export interface Fault {
  /** An endpoint or a group of them; `proxy`, `tls` and `ssh` for what is below HTTP. Default: every HTTP endpoint. */
  endpoint?: Endpoint | keyof typeof groups | 'proxy' | 'tls' | 'ssh';
  /** `*` stands for any characters. */
  host?: string;
  method?: string;
  /** Without the query; `*` stands for any characters. */
  path?: string;
  tenant?: string;
  client?: string;
  grant?: string;
  organization?: string;
  service?: string;
  /** Requests to hit. Default: 1; `'always'` stands until cleared. */
  times?: number | 'always';
  /** Requests to let through before. Default: 0. */
  after?: number;

  /** Wait before anything else, in milliseconds. */
  delay?: number;
  /** Never answer, keep the connection open. */
  hang?: boolean;
  /** Cut the connection with a TCP reset. */
  reset?: boolean;
  /** Answer with this status instead; 200 if only a body is given. */
  status?: number;
  headers?: Record<string, string>;
  /** Answer with this body instead; an object is sent as JSON. */
  body?: string | object;
  /** Answer with this refusal of Entra instead, such as 50076. Default of `error`: `invalid_grant`; of `status`: 400. */
  aadsts?: number;
  error?: string;
  /** Answer with a body of so many bytes instead. */
  bodyLength?: number;
  /** Cut the connection after so many bytes of the answer's body. */
  truncate?: number;
  /** Take these members out of the JSON answer. */
  omit?: readonly string[];
  /** Put these members into the JSON answer. */
  set?: Record<string, unknown>;
  /** Shift the `Date` header, in milliseconds. */
  dateSkew?: number;
  /** Of `tls`: present a certificate that is expired, of an authority that is not trusted, or for another name. */
  certificate?: 'expired' | 'untrusted' | 'wrong-name';
  /** Of `ssh`: when it happens. Default: `exec`. */
  stage?: 'connection' | 'exec';
}

/** What a fault is asked to match. */
export type Occasion = {
  readonly endpoint: Endpoint | 'proxy' | 'tls' | 'ssh';
  readonly host: string;
  readonly stage?: 'connection' | 'exec';
} & Partial<
  Pick<RequestRecord, 'method' | 'path' | 'tenant' | 'client' | 'grant' | 'organization' | 'service'>
>;

export interface ActiveFault {
  readonly fault: Fault;
  /** Requests hit so far. */
  readonly uses: number;
  clear(): void;
}

export class Faults {
  #active: {fault: Fault; left: number; before: number; uses: number}[] = [];

  add(fault: Fault): ActiveFault {
    const times = fault.times ?? 1;
    const entry = {fault, left: times === 'always' ? Infinity : times, before: fault.after ?? 0, uses: 0};
    this.#active.push(entry);
    return {
      fault,
      get uses() {
        return entry.uses;
      },
      clear: () => {
        this.#active = this.#active.filter((other) => other !== entry);
      },
    };
  }

  clear(): void {
    this.#active = [];
  }

  /** @returns the fault for this occasion, and counts it as used. */
  take(occasion: Occasion): Fault | undefined {
    for (const entry of this.#active) {
      if (entry.left === 0 || !isMeant(entry.fault, occasion)) continue;
      if (entry.before > 0) {
        entry.before -= 1;
        continue;
      }
      entry.left -= 1;
      entry.uses += 1;
      return entry.fault;
    }
    return undefined;
  }
}

const matched = ['host', 'path', 'method', 'tenant', 'client', 'grant', 'organization', 'service'] as const;

function isMeant(fault: Fault, occasion: Occasion): boolean {
  return (
    isEndpoint(fault.endpoint, occasion.endpoint) &&
    (occasion.endpoint !== 'ssh' || (fault.stage ?? 'exec') === occasion.stage) &&
    matched.every((field) => isLike(fault[field], occasion[field]))
  );
}

function isEndpoint(wanted: Fault['endpoint'], endpoint: Occasion['endpoint']): boolean {
  if (wanted === undefined) return endpoint !== 'proxy' && endpoint !== 'tls' && endpoint !== 'ssh';
  if (wanted === endpoint) return true;
  const members: readonly string[] = (groups as Record<string, readonly string[]>)[wanted] ?? [];
  return members.includes(endpoint);
}

function isLike(wanted: string | undefined, value: string | undefined): boolean {
  return wanted === undefined || (value !== undefined && glob(wanted).test(value));
}

/** Whether the fault answers in place of the endpoint: no token is made, nothing is counted. */
export function answersItself(fault: Fault): boolean {
  const {status, body, bodyLength, aadsts} = fault;
  return [status, body, bodyLength, aadsts].some((part) => part !== undefined);
}
