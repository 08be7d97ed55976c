/**
 * `npm run mutants -- [word…] [--sample N] [--seed S] [--list] [--json] [--workers N] [--timeout S]`: every mutant, or those
 * of which a word is the law or part of the name, file or topic; of these N at random with `--sample`. Exit code 1 if one is not noticed by its tests, 2 if nothing could be said.
 * Ctrl-C ends the test processes and removes the copies. See `README.md`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as os from "node:os"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { readLists, sample, select } from "./runner/lists.ts"
import { counts, json, line, table } from "./runner/report.ts"
import { type NotGreen, runMutants } from "./runner/runMutants.ts"
import { isGood } from "./runner/Verdict.ts"

const usage =
  "Usage: npm run mutants -- [word…] [--sample N [--seed S]] [--list] [--json] [--workers N] [--timeout SECONDS]"

const stop = (message: string): never => {
  console.error(message)
  process.exit(2)
}

const readArguments = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        list: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        sample: { type: "string" },
        seed: { type: "string", default: String(1 + Math.floor(Math.random() * 999_999)) },
        workers: { type: "string", default: String(os.availableParallelism()) },
        timeout: { type: "string", default: "5" }
      }
    })
  } catch (error) {
    return stop(`${(error as Error).message}\n${usage}`)
  }
}

const above0 = (name: string, text: string): number => {
  const value = Number(text)
  return value > 0 && Number.isFinite(value) ? value : stop(`--${name} takes a number above 0\n${usage}`)
}

const { positionals, values } = readArguments()
const workers = Math.ceil(above0("workers", values.workers))
const timeout = 1000 * above0("timeout", values.timeout)
const selected = select(await readLists(), positionals)
if (selected.length === 0) stop(`No mutant matches ${positionals.join(", ")}; --list shows all`)
const seed = above0("seed", values.seed)
const lists =
  values.sample === undefined ? selected : sample(selected, Math.ceil(above0("sample", values.sample)), seed)
if (values.sample !== undefined) console.error(`The same again: --sample ${values.sample} --seed ${seed}`)

if (values.list) {
  for (const { topic, mutants } of lists) {
    for (const { law, name, file } of mutants) console.log(`${topic.padEnd(24)} ${law.padEnd(8)} ${name}  (${file})`)
  }
  console.error(`\n${counts(lists)}`)
  process.exit(0)
}

const from = performance.now()
const root = path.resolve(import.meta.dirname, "..")
const onResult = values.json ? undefined : (result: Parameters<typeof line>[0]): void => console.log(line(result))

runMutants({ root, lists, workers, timeout, onResult }).pipe(
  Effect.map((results) => {
    const elapsed = performance.now() - from
    console.log(values.json ? json(results, elapsed) : `\n${table(results, elapsed)}`)
    return results.every(({ verdict }) => isGood(verdict)) ? 0 : 1
  }),
  Effect.catch(({ message }: NotGreen) =>
    Effect.sync(() => {
      console.error(message)
      return 2
    })
  ),
  NodeRuntime.runMain({
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 130)
  })
)
