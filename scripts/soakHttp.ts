/**
 * `npm run soak:http -- [--seconds 60] [--subscribers 2000] [--tasks 200] [--seed N]`: the task server under load over real
 * sockets. The exit code is 1 if a terminal event was lost, a gap was not announced, memory grew or anything was left.
 */
import { parseArgs } from "node:util"
import { soak } from "../test/http/soak/soak.ts"

const stop = (message: string): never => {
  console.error(`${message}\nUsage: npm run soak:http -- [--seconds 60] [--subscribers 2000] [--tasks 200] [--seed N]`)
  process.exit(2)
}

const readArguments = () => {
  try {
    return parseArgs({
      options: {
        seconds: { type: "string", default: "60" },
        subscribers: { type: "string", default: "2000" },
        tasks: { type: "string", default: "200" },
        seed: { type: "string", default: String(1 + Math.floor(Math.random() * 2 ** 30)) }
      }
    })
  } catch (error) {
    return stop((error as Error).message)
  }
}

const { values } = readArguments()
const whole = (name: keyof typeof values): number => {
  const number = Number(values[name])
  return Number.isInteger(number) && number > 0 ? number : stop(`--${name} must be a whole number of 1 or more`)
}
const [seconds, subscribers, tasks, seed] = [whole("seconds"), whole("subscribers"), whole("tasks"), whole("seed")]
if (subscribers % tasks !== 0) stop("--subscribers must be a multiple of --tasks: each task has as many")

console.log(`seed ${seed}: ${subscribers} subscribers on ${tasks} tasks for ${seconds} seconds`)
const { counts, failures, latency, left, memory } = await soak({ seconds, subscribers, tasks, seed, log: console.log })
const growth = memory.slope / memory.mean
if (seconds >= 30 && growth > 0.25) failures.push(`memory grew by ${(growth * 100).toFixed(0)} % a minute`)
console.log(
  `\n${Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ")}`
)
console.log(`event to reader: p50 ${latency.p50} ms, p99 ${latency.p99} ms`)
console.log(
  `memory: ${(memory.mean / 1e6).toFixed(0)} MB, ${(growth * 100).toFixed(1)} % a minute (${memory.megabytes.join(" ")})`
)
console.log(`left: ${left.running} tasks, ${left.streams} streams, ${left.fibers} fibers, ${left.timers} timers`)
for (const failure of failures) console.log(`FAILED: ${failure}`)
console.log(failures.length === 0 ? "ok" : `${failures.length} failures`)
process.exit(failures.length === 0 ? 0 : 1)
