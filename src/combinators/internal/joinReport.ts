/** Reads the results of a join off its members. */
import * as Loser from "../Loser.ts"
import { outcomeOf, tookOf } from "../../fibers/internal/outcome.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import type { JoinNode } from "./joinNode.ts"
import { put } from "./membersNode.ts"
import { subjectOf } from "./outsideTask.ts"
import type { RaceNode } from "./raceNode.ts"

const places = ["completed", "failed", "cancelled", "interrupted", "running"] as const
type Place = (typeof places)[number]
type ByPlace = { readonly [K in Place]: Record<string, unknown> }

/** Each member in one of five places. */
export const whatThereIs = (join: JoinNode): ByPlace => {
  const report: ByPlace = { completed: {}, failed: {}, cancelled: {}, interrupted: {}, running: {} }
  for (const member of join.members) {
    const place = placeOf(member, join)
    put(report[place], member.name, valueOf(member, place))
  }
  join.passOnCleanupFailures(["completed", "failed"])
  return report
}

const placeOf = (member: TaskNode, join: JoinNode): Place => {
  const subject = subjectOf(member)
  const limited = member.verdict === "cancelled" && join.wasLimited(member)
  if (subject !== member) {
    if (!subject.gone) return "running"
    return limited && subject.verdict !== "failed" ? "cancelled" : placeBy(subject)
  }
  return limited ? "cancelled" : placeBy(member)
}

const placeBy = ({ verdict }: TaskNode): "completed" | "failed" | "interrupted" =>
  verdict === "cancelled" ? "interrupted" : verdict!

const valueOf = (member: TaskNode, place: Place): unknown => {
  const subject = subjectOf(member)
  const { exit, record } = subject
  if (place === "running") return subject
  if (place === "completed" || place === "failed") return exit?._tag === "Success" ? exit.value : exit?.cause
  const cleanupFailures = [...(record?.cleanupFailures ?? [])]
  if (place === "interrupted") return { reason: subject.mark!.reason, cleanupFailures }
  const late = exit?._tag === "Success" ? { late: exit.value } : {}
  // A task that somebody had cancelled before keeps that reason (contract K8).
  const { reason } = (subject.mark ?? member.mark)!
  return { reason, how: subject.how, took: tookOf(subject), ...late, cleanupFailures }
}

/** Every value, late ones too, and what became of whoever has none. */
export const whatCouldBeHad = (join: JoinNode): object => {
  const values: Record<string, unknown> = {}
  const missing: Record<string, unknown> = {}
  for (const member of join.members) {
    const { exit, gone } = subjectOf(member)
    if (gone && exit?._tag === "Success") put(values, member.name, exit.value)
    else put(missing, member.name, Loser.fromMember(member))
  }
  join.passOnCleanupFailures(["completed"])
  return { values, missing }
}

export const firstEnds = (race: RaceNode): object => ({
  ended: Array.from(race.winners, (winner) => ({
    member: race.keyOf(winner),
    outcome: outcomeOf(subjectOf(winner))
  })),
  rest: race.collect(Loser.fromMember, race.winners)
})
