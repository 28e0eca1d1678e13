/** Whether an address leads git to a gateway: over its socket, or its port with the real host in the path. */
export function isGatewayAddress(address: string): boolean {
  return leadsToSocket(address) || portOf(address) !== undefined;
}

/** Whether an address leads git to the socket of a gateway. No resolver answers such a name. */
export function leadsToSocket(address: string): boolean {
  return /^http:\/\/[^/]+\.orgkey\.invalid\//.test(address);
}

/** Returns the port of a gateway to which an address leads git, as `127.0.0.1:9468`. */
export function portOf(address: string): string | undefined {
  return /^http:\/\/((?:localhost|127\.[0-9.]+|\[::1\]):[0-9]+)\/[^/]+\//.exec(address)?.[1];
}
