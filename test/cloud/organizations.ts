import {createHash, randomUUID} from 'node:crypto';
import path from 'node:path';
import {Feed} from './feeds/feed.ts';
import {Application, type Principal, type Tenant} from './directory.ts';
import type {GitProgram} from './git-program.ts';
import {Repository, type Locate, type RepositoryOptions} from './repositories.ts';
import {createPat} from './secrets.ts';

export interface PatOptions {
  /** Default: a made one of 84 characters. */
  value?: string;
  /** Whose it is. Default: `Pat Owner`. */
  user?: string;
  /** Default: `vso.code_write`, `vso.packaging`. */
  scopes?: readonly string[];
  expired?: boolean;
  length?: 52 | 84;
}

export interface Pat {
  readonly value: string;
  readonly user: string;
  readonly scopes: readonly string[];
  expired: boolean;
}

export interface MemberOptions {
  /** Which repositories it may see, `project/repository` with `*`. Default: all. */
  repositories?: readonly string[];
  /** May push. Default: true. */
  contribute?: boolean;
}

export interface SshKeyOptions {
  user?: string;
  expired?: boolean;
}

export interface SshKey {
  readonly user: string;
  expired: boolean;
}

export interface OrganizationOptions {
  /** The tenant that the organization is connected to; `null` for Microsoft accounts. */
  tenant?: Tenant | null;
  members?: readonly (Principal | Application)[];
  /** What is answered to those who are not signed in outside git: as the real one, or always the same. */
  unauthenticated?: 'real' | 401 | 203 | 302;
}

/** The place of an organization's repositories: `base` is the address of the organization. */
export interface Place {
  readonly base: string;
  readonly directory: string;
  readonly git: GitProgram;
  readonly locate: Locate;
}

/** An organization of Azure DevOps, or a collection of a server. */
export class Organization {
  readonly name: string;
  readonly id = randomUUID();
  readonly tenant: Tenant | undefined;
  /** `https://dev.azure.com/NAME`, or a collection's address. */
  readonly url: string;
  unauthenticated: NonNullable<OrganizationOptions['unauthenticated']>;
  /** What continuous access evaluation says to tokens that were issued before a time. */
  endedTokens: {readonly at: number; readonly reason: string} | undefined;
  /** Until when every caller gets 429, in milliseconds since epoch by the cloud's clock. */
  throttledUntil = 0;
  /** By name, in lower case. */
  readonly feeds = new Map<string, Feed>();
  readonly #place: Place;
  readonly #members = new Map<string, MemberOptions>();
  readonly #pats = new Map<string, Pat>();
  readonly #sshKeys = new Map<string, SshKey>();
  readonly #repositories: Repository[] = [];

  constructor(name: string, place: Place, options: OrganizationOptions) {
    this.name = name;
    this.url = place.base;
    this.tenant = options.tenant ?? undefined;
    this.unauthenticated = options.unauthenticated ?? 'real';
    this.#place = place;
    for (const member of options.members ?? []) this.addMember(member);
  }

  /** The tenant as headers of REST name it. */
  get tenantId(): string {
    return this.tenant?.id ?? '00000000-0000-0000-0000-000000000000';
  }

  addMember(member: Principal | Application, options: MemberOptions = {}): void {
    this.#members.set(this.#objectIdOf(member), options);
  }

  removeMember(member: Principal | Application): void {
    this.#members.delete(this.#objectIdOf(member));
  }

  membership(principal: Principal): MemberOptions | undefined {
    return this.#members.get(principal.objectId);
  }

  // fact 6
  addPat(options: PatOptions = {}): Pat {
    const pat = {
      value: options.value ?? createPat(options.length),
      user: options.user ?? 'Pat Owner',
      scopes: options.scopes ?? ['vso.code_write', 'vso.packaging'],
      expired: options.expired ?? false,
    };
    this.acceptPat(pat);
    return pat;
  }

  /** A PAT of another organization works here too. */
  acceptPat(pat: Pat): void {
    this.#pats.set(pat.value, pat);
  }

  pat(value: string): Pat | undefined {
    return this.#pats.get(value);
  }

  /** @param publicKey the line of an OpenSSH public key file. Fact 65. */
  addSshKey(publicKey: string, options: SshKeyOptions = {}): SshKey {
    const key = {user: options.user ?? 'Key Owner', expired: options.expired ?? false};
    this.#sshKeys.set(blobOf(publicKey), key);
    return key;
  }

  removeSshKey(publicKey: string): void {
    this.#sshKeys.delete(blobOf(publicKey));
  }

  /** @param blob the key as it travels, in base64. */
  sshKey(blob: string): SshKey | undefined {
    return this.#sshKeys.get(blob);
  }

  addFeed(name: string): Feed {
    const feed = new Feed();
    this.feeds.set(name.toLowerCase(), feed);
    return feed;
  }

  /** @param name `project/repository`, or the name of a project whose repository is called the same. */
  addRepository(name: string, options: RepositoryOptions = {}): Repository {
    const [project = name, repositoryName = project] = name.split('/');
    const isDefault = project === repositoryName;
    const address = isDefault
      ? `${this.url}/_git/${encodeURIComponent(repositoryName)}`
      : `${this.url}/${encodeURIComponent(project)}/_git/${encodeURIComponent(repositoryName)}`;
    const folder = createHash('sha1').update(`${this.url}/${project}/${repositoryName}`).digest('hex');
    const repository = new Repository({
      name: repositoryName,
      project,
      url: address,
      directory: path.join(this.#place.directory, `${folder}.git`),
      git: this.#place.git,
      locate: this.#place.locate,
      options,
    });
    this.#repositories.push(repository);
    return repository;
  }

  get repositories(): readonly Repository[] {
    return this.#repositories;
  }

  repository(project: string, name: string): Repository | undefined {
    return this.#repositories.find(
      (repository) => isSame(repository.project, project) && isSame(repository.name, name),
    );
  }

  hasProject(project: string): boolean {
    return this.#repositories.some((repository) => isSame(repository.project, project));
  }

  #objectIdOf(member: Principal | Application): string {
    if (!(member instanceof Application)) return member.objectId;
    return (this.tenant && member.isKnownIn(this.tenant) ? member.principal(this.tenant) : member.principal())
      .objectId;
  }
}

/** Azure DevOps compares names without regard to case. */
export function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function blobOf(publicKey: string): string {
  return publicKey.trim().split(/\s+/)[1] ?? '';
}
