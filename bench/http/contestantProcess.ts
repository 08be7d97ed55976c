/** The process of one contestant: `contestantProcess.ts <kind> <name>`, forked by `ServerProcess.ts` and ended with its parent. */
import { performance } from "node:perf_hooks"
import { gc } from "../gc.ts"
import type { AgentServer, FanOutRun, FanOutServer, Kind, Order, RequestServer, Usage } from "./Contestant.ts"
import { agentServers } from "./a2a/servers.ts"
import { fanOutServers } from "./fanOut/servers.ts"
import { requestServers } from "./requests/servers.ts"

const usage = (): Usage => {
  const { system, user } = process.cpuUsage()
  const { heapUsed, rss } = process.memoryUsage()
  return {
    cpu: (user + system) * 1e3,
    heap: heapUsed,
    rss,
    maxRss: process.resourceUsage().maxRSS * 1024,
    turns: performance.nodeTiming.uvMetricsInfo.loopCount
  }
}

const [kind, name] = process.argv.slice(2)
const servers = { "fan-out": fanOutServers, requests: requestServers, agents: agentServers }[kind as Kind]
const server: FanOutServer | RequestServer | AgentServer = await servers[name!]!()
let run: FanOutRun | undefined

const obey = async (order: Order): Promise<unknown> => {
  switch (order.do) {
    case "open": {
      run = await (server as FanOutServer).open(order.id)
      const { cancel, events } = run
      return { cancel, events }
    }
    case "emit":
      return run!.emit(order.count, order.mode)
    case "usage":
      if (order.collect === true) gc()
      return usage()
    case "left":
      return server.left()
  }
}

process.on("message", ({ number, order }: { readonly number: number; readonly order: Order }) => {
  obey(order).then(
    (answer) => process.send!({ number, answer }),
    (error: unknown) => process.send!({ number, error: String(error) })
  )
})
process.on("disconnect", () => process.exit())
process.send!({ port: server.port })
