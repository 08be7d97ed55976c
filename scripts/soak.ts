/**
 * `npm run soak -- [--minutes 10] [--seed N]`: the proofs for longer than a test may take. Every subject runs again and
 * again under random interleavings with a cancel at a random point, the executable model is compared with random task
 * trees, and random trees are interleaved and cancelled, all from one seed, which is printed. A subject that fails is
 * printed and left out from then on; the exit code is 1 if one has failed when the time is over.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { Explore, Report, type TaskJournal, TaskPlan, type Trial } from "../src/testing/index.ts"
import { allSubjects, late } from "../test/proof/allSubjects.ts"
import { check } from "../test/model/check.ts"
import { randomFrom } from "../src/testing/internal/random.ts"

const stop = (message: string): never => {
  console.error(`${message}\nUsage: npm run soak -- [--minutes 10] [--seed N]`)
  process.exit(2)
}

const readArguments = () => {
  try {
    return parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } } })
  } catch (error) {
    return stop((error as Error).message)
  }
}

const { values } = readArguments()
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? 1 + Math.floor(Math.random() * 2 ** 30) : Number(values.seed)
if (!(minutes > 0 && Number.isFinite(minutes))) stop(`--minutes must be a number above 0, but it is ${values.minutes}`)
if (!Number.isInteger(seed) || seed < 1) stop(`--seed must be a whole number of 1 or more, but it is ${values.seed}`)

/** What is soaked: makes a number of runs from a seed, and says what went wrong. */
interface Soaked {
  readonly name: string
  readonly round: (seed: number) => {
    readonly runs: number
    readonly steps: number
    readonly wrong: string | undefined
  }
}

const runsPerRound = 200

const subjects: ReadonlyArray<Soaked> = allSubjects.map(({ allow, explore, file, invariant, name, program }) => ({
  name: `${file}: ${name}`,
  round: (seed) => {
    const strategies = [{ _tag: "random" }, { _tag: "pct" }] as const
    const allowed = [...(allow ?? []), ...(explore?.allow ?? []), late] as const
    const report = Explore.run(program, {
      invariant,
      ...explore,
      allow: allowed,
      strategies,
      seed,
      cancel: true,
      runs: runsPerRound
    })
    return {
      runs: report.runs,
      steps: report.steps,
      wrong: report.failures.length > 0 ? Report.format(report) : undefined
    }
  }
}))

/** Random trees against the model of the contract, small ones and large ones. */
const models: ReadonlyArray<Soaked> = [8, 14, 34].map((size) => ({
  name: `model: random trees of size ${size}`,
  round: (seed) => {
    const { compared, open, wrong } = check({ runs: runsPerRound, size, seed })
    return { runs: compared + open, steps: 0, wrong }
  }
}))

/** Random trees of every kind, whose order and cancels are random too: the checks of the kit, and what a journal says. */
const trees: Soaked = {
  name: "random trees, interleaved and cancelled",
  round: (seed) => {
    const [plan] = Effect.runSync(
      Arbitrary.sampleEffect(TaskPlan.arbitrary({ longest: 50 }), { count: 1, size: 12, seed })
    )
    const program = () => {
      let journal: TaskJournal.TaskJournal | undefined
      return {
        program: Effect.map(TaskPlan.interpret(plan!), (ended) => {
          journal = ended
        }),
        invariant: ({ cancelled }: Trial.Trial) => (cancelled === undefined ? journal?.problem : undefined)
      }
    }
    const report = Explore.run(program, {
      seed,
      cancel: true,
      runs: runsPerRound,
      strategies: [{ _tag: "random" }, { _tag: "pct" }],
      // Trees die and fail in their clean-up on purpose, and are not told to leave work alone.
      allow: ["clean-up-failed", "completed-after-cancel", "died", late]
    })
    const wrong = report.failures.length > 0 ? `${TaskPlan.print(plan!)}\n${Report.format(report)}` : undefined
    return { runs: report.runs, steps: report.steps, wrong }
  }
}

const all = [...subjects, ...models, trees]
const random = randomFrom(seed)
const failed = new Set<Soaked>()
const totals = { rounds: 0, runs: 0, steps: 0 }
const began = Date.now()
const deadline = began + minutes * 60_000
let reportAt = began + 60_000

console.log(`seed ${seed}: ${all.length} subjects for ${minutes} minutes`)
while (Date.now() < deadline && failed.size < all.length) {
  for (const soaked of all) {
    if (failed.has(soaked) || Date.now() >= deadline) continue
    const roundSeed = 1 + Math.floor(random() * 2 ** 30)
    const { runs, steps, wrong } = soaked.round(roundSeed)
    totals.runs += runs
    totals.steps += steps
    totals.rounds++
    if (wrong === undefined) continue
    failed.add(soaked)
    console.log(`\nFAILED ${soaked.name} (seed ${roundSeed})\n${wrong}\n`)
  }
  if (Date.now() < reportAt) continue
  reportAt += 60_000
  console.log(
    `${Math.round((Date.now() - began) / 60_000)} min: ${totals.runs} runs, ${totals.steps} operations, ${failed.size} failed`
  )
}
console.log(
  `seed ${seed}: ${totals.rounds} rounds, ${totals.runs} runs, ${totals.steps} operations in ` +
    `${((Date.now() - began) / 60_000).toFixed(1)} minutes; ${failed.size} of ${all.length} subjects failed`
)
process.exit(failed.size > 0 ? 1 : 0)
