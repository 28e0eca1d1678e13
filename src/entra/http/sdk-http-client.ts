import {createHttpHeaders, type HttpClient as SdkHttpClient} from '@azure/core-rest-pipeline';
import type {Service} from '../failure.ts';
import type {HttpClient} from './http-client.ts';

/** Returns a client for the SDK that sends its requests through ours. `service` is what the SDK asks. */
export function sdkHttpClient(client: HttpClient, service: Service): SdkHttpClient {
  return {
    sendRequest: async (request) => {
      const {url, method, body} = request;
      if (method !== 'GET' && method !== 'POST') throw new Error(`unexpected method ${method}`);
      const headers = Object.fromEntries(request.headers);
      // our client reads no compressed answers and sets the length itself
      delete headers['accept-encoding'];
      delete headers['content-length'];
      const text = typeof body === 'string' ? {body} : {};
      const reply = await client.ask({service, method, url, headers, ...text});
      return {request, status: reply.status, headers: headersFrom(reply.headers), bodyAsText: reply.text};
    },
  };
}

function headersFrom(headers: Readonly<Record<string, string | string[] | undefined>>) {
  const flat = createHttpHeaders();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return flat;
}
