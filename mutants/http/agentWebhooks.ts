/** Breaks of the webhooks of an A2A agent: where they may be, how many there may be, and who registers them. */
import type { Mutant } from "../Mutant.ts"

const pushing = "src/http/a2a/internal/pushing.ts"
const engine = "src/http/a2a/internal/engine.ts"
const webhook = "src/http/a2a/Webhook.ts"
const push = ["test/http/a2a/push.test.ts"]
const hosts = ["test/http/a2a/Webhook.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "webhooks are told with the services of the request that registered them",
    law: "S2x-12",
    file: "src/http/a2a/internal/engine.ts",
    find: "Effect.updateContext<never, never>(() => this.home.services)(FiberSet.run(notifiers, notify))",
    replace: "Effect.provideContext(FiberSet.run(notifiers, notify), this.home.services)",
    tests: ["test/http/a2a/push.test.ts"]
  },
  {
    name: "webhooks may point anywhere by default",
    law: "D8",
    file: pushing,
    find: "options.allow ?? Webhook.isPublic",
    replace: "options.allow ?? (() => true)",
    tests: push
  },
  {
    name: "a webhook is allowed by a promise that may say no",
    law: "D8",
    file: pushing,
    find: "this.allow(url) === true",
    replace: "this.allow(url)",
    tests: push
  },
  {
    name: "a task has as many webhooks as a client likes",
    law: "D8",
    file: pushing,
    find: "webhooks.length < this.limit ||",
    replace: "webhooks.length >= 0 ||",
    tests: push
  },
  {
    name: "a webhook in the place of another is one more",
    law: "D8",
    file: pushing,
    find: "webhooks.some(({ config }) => config.id === given.id)",
    replace: "false",
    tests: push
  },
  {
    name: "each message of a conversation brings one more webhook",
    law: "D8",
    file: pushing,
    find: 'sent.id === "" ? webhooks.find',
    replace: 'sent.id === "none" ? webhooks.find',
    tests: push
  },
  {
    name: "a message with a webhook too many is taken",
    law: "D8",
    file: engine,
    find: "if (full !== undefined) return Effect.fail(full)",
    replace: "",
    tests: push
  },
  {
    name: "a webhook of a message to an agent that has none is ignored",
    law: "S2x-06",
    file: engine,
    find: "this.pushing === undefined ? unsupported() :",
    replace: "this.pushing === undefined ? message :",
    tests: push
  },
  {
    name: "the sender of notifications reads the webhooks without the services of the engine",
    law: "S2x-06",
    file: engine,
    find: "Effect.runPromiseWith(context)",
    replace: "Effect.runPromise",
    tests: push
  },
  {
    name: "a client that leaves while it registers a webhook leaves one that is never told",
    law: "K1",
    file: "src/http/a2a/internal/inOneStep.ts",
    find: "Effect.uninterruptible(steps)",
    replace: "steps",
    tests: push
  },
  {
    name: "a client that leaves while its message brings a webhook leaves one that is never told",
    law: "K1",
    file: engine,
    find: "=== undefined ? goingOn : inOneStep(goingOn)",
    replace: "=== undefined ? goingOn : goingOn",
    tests: push
  },
  {
    name: "a webhook may be in the server's own network, by name",
    law: "D8",
    file: webhook,
    find: 'host.includes(".") &&',
    replace: "",
    tests: hosts
  },
  {
    name: "a webhook may be a private address of IPv6",
    law: "D8",
    file: webhook,
    find: "first >= 0x2000 && first < 0x4000",
    replace: "first >= 0x2000",
    tests: hosts
  },
  {
    name: "a webhook may be the metadata of a cloud",
    law: "D8",
    file: webhook,
    find: "return second !== 254",
    replace: "return true",
    tests: hosts
  }
]
