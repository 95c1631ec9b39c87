import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { MODELS_INDEX } from '../lambdas/adapters/aws/model-items.ts';
import { PENDING_ALERTS_INDEX } from '../lambdas/adapters/aws/outcome-items.ts';

/**
 * The items of models, their releases, and outcomes. Items have no TTL: a deleted item would restart the fence counter, and
 * outcomes are part of the audit trail. DynamoDB creates at most one index in an update of a table that exists ("You can
 * create or delete only one global secondary index per UpdateTable operation", API reference): a release adds at most one.
 */
export function promotionTable(scope: Construct, protect: boolean, encryptionKey: IKey | undefined): Table {
  const table = new Table(scope, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: protect,
    removalPolicy: protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    ...(encryptionKey === undefined ? {} : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
  });
  table.addGlobalSecondaryIndex({
    indexName: PENDING_ALERTS_INDEX,
    partitionKey: { name: 'alert_pending', type: AttributeType.STRING },
    sortKey: { name: 'recorded_at', type: AttributeType.STRING },
  });
  table.addGlobalSecondaryIndex({
    indexName: MODELS_INDEX,
    partitionKey: { name: 'change_state', type: AttributeType.STRING },
    sortKey: { name: 'pk', type: AttributeType.STRING },
    projectionType: ProjectionType.KEYS_ONLY,
  });
  return table;
}
