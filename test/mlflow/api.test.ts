import { mlflowContract } from '../contract/mlflow-api.ts';
import { mlflowTrackingContract } from '../contract/mlflow-tracking-api.ts';
import { realServers } from './servers.ts';

for (const server of realServers()) {
  mlflowContract(server.name, () => server);
  mlflowTrackingContract(server.name, () => server);
}
