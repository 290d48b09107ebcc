// Amazon Translate with a guard: input and output bucket, role, and the guard that stops the role's jobs first.

import * as pulumi from "@pulumi/pulumi";
import * as aws from "@pulumi/aws";
import { AmazonTranslateJobGuard } from "@translation-job-guard/pulumi";

const config = new pulumi.Config();
// A new release replaces the guard, and so stops the jobs of the release before.
const release = config.get("release") ?? "1";

const source = new aws.s3.Bucket("source", { forceDestroy: true });
const target = new aws.s3.Bucket("target", { forceDestroy: true });

const role = new aws.iam.Role("translate", {
    assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "translate.amazonaws.com" }),
});
const access = new aws.iam.RolePolicy("access", {
    role: role.name,
    policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [
            { Effect: "Allow", Action: "s3:ListBucket", Resource: [source.arn, target.arn] },
            {
                Effect: "Allow",
                Action: ["s3:GetObject", "s3:PutObject"],
                Resource: [pulumi.interpolate`${source.arn}/*`, pulumi.interpolate`${target.arn}/*`],
            },
        ],
    }),
});

// Everything that runs under the role is this environment's, and nothing else is.
const guard = new AmazonTranslateJobGuard("jobs", {
    region: new pulumi.Config("aws").require("region"),
    scope: [{ dataAccessRoleArns: [role.arn] }],
    protects: [role, access, source, target],
    triggers: [release],
});

export const roleArn = role.arn;
export const sourceUri = pulumi.interpolate`s3://${source.bucket}/documents/`;
export const targetUri = pulumi.interpolate`s3://${target.bucket}/`;
export const account = guard.accountId;
