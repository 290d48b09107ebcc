// A role, a bucket and a guard, in the shapes that the tests ask for by the stack's configuration.

import * as pulumi from "@pulumi/pulumi";
import { Role, assumeRolePolicyForPrincipal } from "@pulumi/aws/iam";
import { Bucket } from "@pulumi/aws/s3";
import { AmazonTranslateJobGuard } from "@translation-job-guard/pulumi";

const config = new pulumi.Config("test");
const names = config.get("names")?.split(",");
const role = new Role("role", {
    name: config.get("role"),
    path: config.get("path") ?? "/",
    assumeRolePolicy: assumeRolePolicyForPrincipal({ Service: "translate.amazonaws.com" }),
});
const bucket = new Bucket("bucket", { bucket: config.get("bucket") });
const scope = names ? [{ jobNamePrefixes: config.getBoolean("secret") ? pulumi.secret(names) : names }] : undefined;
const guard = new AmazonTranslateJobGuard(
    "guard",
    {
        region: new pulumi.Config("aws").require("region"),
        scope: config.get("scope") === "derived" ? undefined : (scope ?? [{ dataAccessRoleArns: [role.arn] }]),
        protects: config.get("scope") === "derived" ? [bucket] : [role, bucket],
        triggers: [config.get("release") ?? "1"],
        onDelete: (config.get("mode") as "cancel" | undefined) ?? "cancel",
        quietPeriod: "0.2s",
        timeout: config.get("timeout"),
        expectedAccountId: config.get("account"),
    },
    {
        customTimeouts: config.get("deleteTimeout") ? { delete: config.get("deleteTimeout") } : undefined,
        pluginDownloadURL: config.get("download"),
    },
);
export const guardId = guard.id;
export const roleArn = role.arn;
export const bucketName = bucket.bucket;
export const account = guard.accountId;
export const scopes = guard.scope;
