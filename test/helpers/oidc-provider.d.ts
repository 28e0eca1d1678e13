/** The part of oidc-provider that tests use; it has no types of its own. */
declare module 'oidc-provider' {
  import type {IncomingMessage, ServerResponse} from 'node:http';

  export class Provider {
    proxy: boolean;
    constructor(issuer: string, configuration: object);
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{readonly params: {readonly client_id: string; readonly scope: string}}>;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
    on(event: string, listener: (context: unknown, error: Error) => void): void;
    readonly Grant: new (grant: Readonly<Record<'accountId' | 'clientId', string>>) => {
      addOIDCScope(scope: string): void;
      save(): Promise<string>;
    };
  }
}

declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  const adapter: new (name: string) => object;
  export default adapter;
}
