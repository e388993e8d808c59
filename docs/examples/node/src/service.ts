// The connection: clients made straight from the protos, calls as promises, errors with the service's own words.

import {readFileSync} from "node:fs";
import * as path from "node:path";

import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";

import type {ProtoGrpcType as RatingTypes} from "./generated/rating";
import type {ProtoGrpcType as RuleSetTypes} from "./generated/rulesets";
import type {RatingServiceClient} from "./generated/dianjia/rating/v1/RatingService";
import type {RuleSetServiceClient} from "./generated/dianjia/rulesets/v1/RuleSetService";

const PROTOS = process.env.DIANJIA_PROTOS ?? path.join(__dirname, "..", "..", "..", "..", "proto");
// The same choices that `npm run types` makes: 64 bits as text, so that no digit is lost.
const OPTIONS: loader.Options = {longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [PROTOS]};

export interface Service {
  rating: RatingServiceClient;
  ruleSets: RuleSetServiceClient;
  metadata: grpc.Metadata;
}

/** Opens a connection; `token` says who calls, where the server asks. */
export function connect(target: string, token?: string): Service {
  const rating = grpc.loadPackageDefinition(
    loader.loadSync("dianjia/rating/v1/rating.proto", OPTIONS),
  ) as unknown as RatingTypes;
  const ruleSets = grpc.loadPackageDefinition(
    loader.loadSync("dianjia/rulesets/v1/rulesets.proto", OPTIONS),
  ) as unknown as RuleSetTypes;
  const metadata = new grpc.Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  // Of a server with TLS: PEM of who vouches for its certificate. For mTLS, `createSsl(ca, key, certificate)`.
  const ca = process.env.DIANJIA_CA;
  const credentials = ca === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(readFileSync(ca));
  return {
    rating: new rating.dianjia.rating.v1.RatingService(target, credentials),
    ruleSets: new ruleSets.dianjia.rulesets.v1.RuleSetService(target, credentials),
    metadata,
  };
}

type Callback<Answer> = (error: grpc.ServiceError | null, answer?: Answer) => void;

/** Makes a promise of a call: `answered((callback) => client.calculateBill(request, metadata, callback))`. */
export function answered<Answer>(call: (callback: Callback<Answer>) => unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error !== null) reject(error);
      else if (answer === undefined) reject(new Error("an answer without a message"));
      else resolve(answer);
    });
  });
}
