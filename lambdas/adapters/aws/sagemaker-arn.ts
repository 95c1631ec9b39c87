/** The address of an MLflow server managed by SageMaker, from its ARN. Separate from signing, as the configuration uses it too. */

const ARN =
  /^arn:(aws|aws-us-gov):sagemaker:([a-z0-9-]+):\d{12}:(mlflow-tracking-server|mlflow-app)\/([\w-]+)$/;

const KINDS = {
  'mlflow-tracking-server': {
    service: 'sagemaker-mlflow',
    header: 'x-mlflow-sm-tracking-server-arn',
    host: (region: string) => `https://${region}.experiments.sagemaker.aws`,
  },
  'mlflow-app': {
    service: 'sagemaker',
    header: 'x-sm-mlflow-app-arn',
    host: (region: string) => `https://mlflow.sagemaker.${region}.app.aws`,
  },
} as const;

/** An MLflow server managed by SageMaker. */
export interface ManagedServer {
  arn: string;
  region: string;
  /** Name of the service that requests are signed for. */
  service: string;
  /** Header that names the server: one host serves all servers of a region. */
  header: string;
  url: string;
}

/** The server of an ARN, or null for any other text. `endpoint` replaces its public address. */
export function managedServer(arn: string, endpoint?: string): ManagedServer | null {
  const [, , region, kind] = ARN.exec(arn) ?? [];
  if (region === undefined || (kind !== 'mlflow-tracking-server' && kind !== 'mlflow-app')) return null;
  const { service, header, host } = KINDS[kind];
  return { arn, region, service, header, url: endpoint ?? host(region) };
}
