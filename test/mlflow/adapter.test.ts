import { basic } from '../../lambdas/adapters/authorization.ts';
import { adapterContract } from '../contract/mlflow-adapter.ts';
import { authServer, realServers } from './servers.ts';

for (const server of realServers()) adapterContract(server.name, () => ({ url: server.url }));

const locked = authServer();
if (locked !== null) {
  const { url, username, password } = locked;
  adapterContract('a server with basic authentication', () => ({
    url,
    authorization: basic(username, password),
  }));
}
