/** Breaks of the agent of the A2A example (S2). */
import type { Mutant } from "../Mutant.ts"

const home = "src/examples/a2a-agent"
const folder = "test/examples/a2a-agent"
const commands = `${home}/commands/all.ts`
const command = `${home}/commands/Command.ts`
const parameter = `${home}/commands/Parameter.ts`
const model = `${home}/model/FakeModel.ts`
const agent = [`${folder}/agent.test.ts`]
const language = [`${folder}/commands/Command.test.ts`]
const models = [`${folder}/model/FakeModel.test.ts`]
const requests = [`${folder}/requests.test.ts`]
const main = [`${folder}/main.test.ts`]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the pieces of the A2A example are numbered from 1",
    law: "S2-20",
    file: commands,
    find: "Stream.range(0, n - 1)",
    replace: "Stream.range(1, n)",
    tests: agent
  },
  {
    name: "a stubborn task of the A2A example can be interrupted",
    law: "S2-08",
    file: commands,
    find: "      Effect.uninterruptible\n",
    replace: "      Effect.interruptible\n",
    tests: agent
  },
  {
    name: "requests of a beat go on when its task has ended",
    law: "S2-57",
    file: commands,
    find: "const status = yield* statusOf(url)\n",
    replace:
      "const status = yield* Effect.uninterruptible(statusOf(url))\n        yield* Effect.forkDetach(Effect.repeat(statusOf(url), { times: 50 }))\n",
    tests: requests
  },
  {
    name: "a request that hangs is not aborted by the cancel",
    law: "S2-57",
    file: commands,
    find: "run: ([url]) => Effect.map(statusOf(url), (status)",
    replace:
      "run: ([url]) => Effect.map(Effect.flatMap(Effect.forkDetach(statusOf(url)), (fiber) => Effect.callback<number>((resume) => fiber.addObserver((exit) => resume(exit)))), (status)",
    tests: requests
  },
  {
    name: "the answer of a beat that is no success fails it",
    law: "S2-57",
    file: commands,
    find: "failure.status === undefined ? Effect.fail(failure) : Effect.succeed(failure.status)",
    replace: "Effect.fail(failure)",
    tests: requests
  },
  {
    name: "a command takes more arguments than it has",
    law: "D8",
    file: command,
    find: 'return left.trim() === ""',
    replace: 'return left !== "never"',
    tests: language
  },
  {
    name: "an argument of a command may be missing",
    law: "D8",
    file: command,
    find: 'if (word.trim() === "") return wrong(',
    replace: 'if (word === "never") return wrong(',
    tests: language
  },
  {
    name: "a command loses the line breaks of its text",
    law: "D8",
    file: command,
    find: "/^\\s*(\\S+)(?:\\s+([^]*))?$/",
    replace: "/^\\s*(\\S+)(?:\\s+(.*))?$/",
    tests: language
  },
  {
    name: "a number of a command has no upper bound",
    law: "D8",
    file: parameter,
    find: " && Number(given) <= maximum",
    replace: "",
    tests: language
  },
  {
    name: "the language model stalls one token late",
    law: "S2-57",
    file: model,
    find: "said >= stallAfter",
    replace: "said > stallAfter",
    tests: models
  },
  {
    name: "the language model does not say why it was stopped",
    law: "S2-71",
    file: model,
    find: "onSome: ({ message }) => message",
    replace: 'onSome: () => "interrupted"',
    tests: models
  },
  {
    name: "the A2A example is reached under any name",
    law: "D8",
    file: `${home}/start.ts`,
    find: "{ url, hosts }",
    replace: "{ url }",
    tests: main
  },
  {
    name: "the grace of the A2A example is not what the environment says",
    law: "S2-68",
    file: `${home}/start.ts`,
    find: "ExampleAgent.make({ giveUp })",
    replace: "ExampleAgent.make()",
    tests: [`${folder}/protocol.test.ts`]
  }
]
