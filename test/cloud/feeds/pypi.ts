import {htmlReply} from '../azure-devops-replies.ts';
import type {Exchange, Reply} from '../http-exchange.ts';
import {blobStore} from './blob-store.ts';
import {sha256, type FeedPlace} from './feed.ts';

/** `pypi/simple/NAME/`, `pypi/download/NAME/FILE` and `pypi/upload/`. Fact 96. */
export function pypiFeed({feed, base}: FeedPlace, rest: readonly string[], exchange: Exchange): Reply {
  const [service, name = '', file = ''] = rest;
  if (service === 'upload' && exchange.method === 'POST') return upload({feed, base}, exchange);
  const files = feed.pypi.get(normalized(name));
  if (files === undefined) return {status: 404, body: 'not found\n'};
  if (service === 'download') {
    const bytes = files.get(file);
    return bytes === undefined ? {status: 404, body: 'not found\n'} : blobStore.redirectTo(bytes);
  }
  if (service !== 'simple' || !exchange.path.endsWith('/')) return {status: 404, body: 'not found\n'};
  const links = Array.from(
    files,
    ([one, bytes]) => `<a href="${base}/pypi/download/${name}/${one}#sha256=${sha256(bytes)}">${one}</a>`,
  );
  return htmlReply(200, `Links for ${name}`, links.join('\n'));
}

function upload({feed}: FeedPlace, {request, body}: Exchange): Reply {
  const [, boundary] = /boundary=(\S+)/.exec(request.headers['content-type'] ?? '') ?? [];
  if (boundary === undefined) return {status: 400, body: 'no form\n'};
  const fields = new Map<string, {readonly file: string | undefined; readonly bytes: Buffer}>();
  for (const part of body.toString('latin1').split(`--${boundary}`)) {
    const [head = '', ...content] = part.split('\r\n\r\n');
    const [, name] = / name="([^"]*)"/.exec(head) ?? [];
    if (name === undefined) continue;
    const [, file] = / filename="([^"]*)"/.exec(head) ?? [];
    fields.set(name, {file, bytes: Buffer.from(content.join('\r\n\r\n').replace(/\r\n$/, ''), 'latin1')});
  }
  const textOf = (name: string) => fields.get(name)?.bytes.toString() ?? '';
  const content = fields.get('content');
  if (textOf(':action') !== 'file_upload' || content?.file === undefined)
    return {status: 400, body: 'no upload\n'};
  if (textOf('sha256_digest') !== sha256(content.bytes)) return {status: 400, body: 'another digest\n'};
  const name = normalized(textOf('name'));
  const files = feed.pypi.get(name) ?? new Map<string, Buffer>();
  if (files.has(content.file)) return {status: 409, body: 'the file exists\n'};
  feed.pypi.set(name, files.set(content.file, content.bytes));
  return {status: 200, body: ''};
}

function normalized(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
