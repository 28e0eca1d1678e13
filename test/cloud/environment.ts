export const imdsAddress = '169.254.169.254';

/** Returns the variables with which git, curl and Node find the cloud under the real names, in both cases. */
export function proxyEnvironment({
  proxyUrl,
  imdsUrl,
  caFile,
}: {
  proxyUrl: string;
  imdsUrl: string;
  caFile: string;
}): Record<string, string> {
  const noProxy = `127.0.0.1,localhost,::1,${imdsAddress}`;
  return {
    https_proxy: proxyUrl,
    HTTPS_PROXY: proxyUrl,
    no_proxy: noProxy,
    NO_PROXY: noProxy,
    GIT_SSL_CAINFO: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
    // git-lfs is a Go program, curl has its own
    SSL_CERT_FILE: caFile,
    CURL_CA_BUNDLE: caFile,
    AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsUrl,
  };
}
