/** Where MLflow that SageMaker manages is found, told by its ARN. Apart from the signing, as configurations ask, too. */

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

export interface ManagedServer {
  arn: string;
  region: string;
  /** Name of the service that requests are signed for. */
  service: string;
  /** Header that names the server: one host serves those of a whole region. */
  header: string;
  url: string;
}

/** The server that an ARN names, or null when it names none. `endpoint` takes the place of its public address. */
export function managedServer(arn: string, endpoint?: string): ManagedServer | null {
  const [, , region, kind] = ARN.exec(arn) ?? [];
  if (region === undefined || (kind !== 'mlflow-tracking-server' && kind !== 'mlflow-app')) return null;
  const { service, header, host } = KINDS[kind];
  return { arn, region, service, header, url: endpoint ?? host(region) };
}
