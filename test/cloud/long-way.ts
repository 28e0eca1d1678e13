import {connect, type Socket} from 'node:net';

/** Leads a connection on to a port of this machine. In each direction everything takes half a round trip, in milliseconds. */
export function goLongWay(near: Socket, port: number, roundTrip: number): void {
  const far = connect({port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true});
  delay(near, far, roundTrip / 2);
  delay(far, near, roundTrip / 2);
}

function delay(from: Socket, to: Socket, milliseconds: number): void {
  const later = (act: () => void): void => void setTimeout(act, milliseconds);
  from.on('data', (chunk) => later(() => to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => undefined);
  from.on('close', () => later(() => to.destroy()));
}
