// SPDX-License-Identifier: MIT
// Drives the whole protocol with vscode-jsonrpc: first as an editor that knows swarmd, then as one
// that does not. test_vscode_client.py starts it, plays the model, and opens the model's gates when
// a line `open <gate>` is printed.
import assert from 'node:assert/strict'
import { Editor, rpc } from './editor.mjs'

const FAILED = -32803
const open = (gate) => console.log(`open ${gate}`)
const named = ({ id }) => ({ agentId: id })

async function begin(editor) {
  const { capabilities, serverInfo } = await editor.initialize({
    capabilities: { experimental: { swarm: true } },
    initializationOptions: { scope: 'vscode', subscribe: 'none', config: { mode: 'ask' } },
  })
  const { version, methods, events } = capabilities.experimental.swarm
  assert.equal(serverInfo.name, 'swarmd')
  assert.equal(version, 1)
  assert.ok(events.includes('delta'))
  assert.deepEqual(await editor.request('swarm/list', {}), { agents: [], seq: 0 })
  assert.deepEqual(await editor.request('swarm/subscribe', { after: 0 }), { seq: 0 })
  return methods
}

async function spawnAndStream(editor) {
  const params = { task: 'write a file', requestId: 'w1', name: 'writer' }
  const { agent, seq } = await editor.request('swarm/spawn', params)
  const again = await editor.request('swarm/spawn', params)
  assert.equal(again.agent.id, agent.id)
  assert.equal(agent.scope, 'vscode')
  const delta = await editor.event('a delta', (e) => e.type === 'delta' && e.kind === 'assistant')
  assert.equal(delta.offset, 0)
  assert.ok('I write it.'.startsWith(delta.text))
  assert.equal(editor.events.find((e) => e.seq === seq).agentId, agent.id)
  open('first')
  await editor.state(agent.id, 'waiting')
  return agent
}

async function queue(editor, agent) {
  const send = (text) => editor.request('swarm/send', { ...named(agent), text })
  const first = await send('frist')
  const second = await send('second')
  assert.deepEqual([first.delivery, first.position], ['queued', 1])
  assert.deepEqual([second.delivery, second.position], ['queued', 2])
  const edited = await editor.request('swarm/queue',
    { ...named(agent), itemId: first.itemId, text: 'first' })
  assert.deepEqual(edited.queue.map((m) => m.text), ['first', 'second'])
  const dropped = await editor.request('swarm/queue',
    { ...named(agent), itemId: second.itemId, text: null })
  assert.deepEqual(dropped.queue, [{ itemId: first.itemId, text: 'first' }])
}

async function pauseAndApprove(editor, agent) {
  const paused = await editor.request('swarm/pause', named(agent))
  assert.equal(paused.agents[0].state, 'paused')
  const { approvals, agent: snapshot } = await editor.request('swarm/get', named(agent))
  assert.equal(snapshot.approvals, 1)
  assert.equal(approvals[0].tool, 'write')
  const inbox = await editor.request('swarm/approvals', { scope: 'vscode' })
  assert.deepEqual(inbox.approvals, approvals)
  const answer = { approvalId: approvals[0].id, decision: 'allow' }
  const { approval } = await editor.request('swarm/approve', answer)
  assert.deepEqual([approval.decision, approval.by], ['allow', 'vscode-jsonrpc'])
  const late = await editor.request('swarm/approve', { ...answer, decision: 'reject' })
  assert.equal(late.approval.decision, 'allow')
  assert.equal((await editor.request('swarm/continue', {})).agents.length, 1)
  assert.equal((await editor.turnEnd(agent.id, 1)).stopReason, 'endTurn')
  assert.equal((await editor.turnEnd(agent.id, 2)).stopReason, 'endTurn')
}

async function readTranscript(editor, agent) {
  const items = []
  let page = {}
  do {
    page = await editor.request('swarm/transcript', { ...named(agent), limit: 2, before: page.next })
    items.unshift(...page.items)
  } while (page.next)
  const seen = new Map(editor.events.filter((e) => e.type === 'item' && e.agentId === agent.id)
    .map((e) => [e.item.id, e.item]))
  assert.deepEqual(items, [...seen.values()].sort((a, b) => a.seq - b.seq))
  const kinds = new Set(items.map((item) => item.kind))
  for (const kind of ['user', 'assistant', 'tool', 'approval']) assert.ok(kinds.has(kind), kind)
}

async function search(editor, agent) {
  for (;;) { // the index is made in the background
    const { hits } = await editor.request('swarm/search', { query: 'written', ...named(agent) })
    if (hits.length === 0) continue
    assert.equal(hits[0].agentId, agent.id)
    return
  }
}

// $/cancelRequest by a token: what only reads may be left, what changes something is done.
async function cancelRequests(editor) {
  const cancelled = async (method, params) => {
    const source = new rpc.CancellationTokenSource()
    const answer = editor.request(method, params, source.token)
    source.cancel()
    return answer.then((result) => ({ result }), (error) => ({ error }))
  }
  const { result } = await cancelled('swarm/spawn', { task: 'hold on', mode: 'full' })
  const read = await cancelled('swarm/transcript', named(result.agent))
  if (read.error) assert.equal(read.error.code, -32800)
  else assert.ok(read.result.items)
  return result.agent
}

async function cancelKillResume(editor, agent) {
  await editor.event('its text', (e) => e.type === 'delta' && e.agentId === agent.id)
  await editor.request('swarm/cancel', named(agent))
  assert.equal((await editor.turnEnd(agent.id, 1)).stopReason, 'cancelled')
  const content = [{ type: 'text', text: 'sleep' }]
  const sent = await editor.request('swarm/send',
    { ...named(agent), content, delivery: 'interrupt', requestId: 's1' })
  assert.deepEqual([sent.delivery, sent.position], ['started', 0])
  await editor.event('its command', (e) => e.type === 'item' && e.item.kind === 'tool' &&
    e.item.name === 'bash' && e.item.status === 'started')
  const killed = await editor.request('swarm/kill', named(agent))
  assert.equal(killed.agent.state, 'killed')
  const before = editor.events.length
  await editor.request('swarm/resume', named(agent))
  await editor.state(agent.id, 'done', before)
}

async function countThem(editor) {
  assert.deepEqual(await editor.request('swarm/rules', {}), { rules: [] })
  const { entries } = await editor.request('swarm/audit', { after: 0, limit: 3 })
  assert.deepEqual(entries.map((entry) => entry.action), ['asked', 'answered', 'started'])
  const stats = await editor.request('swarm/stats', {})
  assert.equal(stats.agents.done, 2)
  assert.equal(stats.active, 0)
  const done = await editor.request('swarm/list', { states: ['done'], scope: 'vscode', limit: 1 })
  assert.equal(done.agents.length, 1)
  const rest = await editor.request('swarm/list', { states: ['done'], after: done.next })
  assert.equal(rest.agents.length, 1)
  assert.equal(rest.next, undefined)
}

async function review(editor, agent) {
  const { models } = await editor.request('swarm/models', { provider: 'demo' })
  assert.deepEqual(models.map((model) => model.id), ['demo/tour'])
  const { usage } = await editor.request('swarm/usage', named(agent))
  assert.ok(usage.total.inputTokens > 0)
  assert.equal((await editor.request('swarm/budget', named(agent))).kind, 'agent')
  const { checkpoints } = await editor.request('swarm/checkpoints', named(agent))
  assert.ok(checkpoints.length > 0)
  const { files } = await editor.request('swarm/diff', named(agent))
  assert.deepEqual(files.map((file) => file.path), ['new.txt'])
  assert.deepEqual((await editor.request('swarm/overlaps', {})).overlaps, [])
  const tried = await editor.request('swarm/merge', { ...named(agent), dryRun: true })
  assert.equal(tried.files.length, 1)
  assert.equal((await editor.request('swarm/update', { ...named(agent), dryRun: true })).upToDate, true)
  const { kept } = await editor.request('swarm/revert', { ...named(agent), path: 'new.txt' })
  await editor.request('swarm/rewind', { ...named(agent), turn: kept })
  const { items } = await editor.request('swarm/transcript', named(agent))
  const { pins } = await editor.request('swarm/pin', { ...named(agent), itemId: items[0].id })
  assert.ok(pins.includes(items[0].seq))
  assert.equal((await editor.request('swarm/configure', { ...named(agent), mode: 'edit' })).agent.mode, 'edit')
}

async function compact(editor, agent) {
  const before = editor.events.length
  assert.equal((await editor.request('swarm/compact', named(agent))).delivery, 'started')
  await editor.state(agent.id, 'done', before)
}

async function fail(editor) {
  await editor.refused('swarm/get', { agentId: 'nobody' }, FAILED, 'unknownAgent')
  await editor.notify('swarm/spawn', { task: 'x', cwd: '/nonexistent' })
  const [, shown] = await editor.wait('a message',
    () => editor.notes.find(([method]) => method === 'window/showMessage'))
  assert.equal(shown.type, 1)
}

async function log(editor, agent) {
  await editor.notify('$/setTrace', { value: 'verbose' })
  await editor.request('swarm/send', { ...named(agent), text: 'once more' })
  await editor.wait('a line of the log',
    () => editor.notes.find(([method]) => method === 'window/logMessage'))
  await editor.notify('$/setTrace', { value: 'off' })
  await editor.turnEnd(agent.id, 3)
}

async function replay(editor, agent) {
  const numbered = (events) => events.filter((e) => e.seq)
  const all = numbered(editor.events)
  assert.deepEqual(all.map((e) => e.seq), all.map((_, index) => index + 1))
  assert.equal(await editor.request('swarm/unsubscribe', {}), null)
  const start = editor.events.length
  const { seq } = await editor.request('swarm/subscribe',
    { ...named(agent), after: 0, deltas: false })
  const mine = all.filter((e) => e.agentId === agent.id)
  await editor.wait('the replay',
    () => numbered(editor.events.slice(start)).length >= mine.length)
  assert.ok(seq >= all.at(-1).seq)
  assert.deepEqual(numbered(editor.events.slice(start)).slice(0, mine.length), mine)
}

async function remove(editor, agent) {
  await editor.refused('swarm/remove', named(agent), FAILED, 'dirty')
  const removed = await editor.request('swarm/remove', { ...named(agent), force: true })
  assert.equal(removed.removed, agent.id)
  assert.match(removed.kept.restore, /^git branch /)
  assert.deepEqual((await editor.request('swarm/prune', {})).orphans, [])
  await editor.event('removed', (e) => e.type === 'removed' && e.agentId === agent.id)
}

async function asSwarmEditor() {
  const editor = new Editor()
  const methods = await begin(editor)
  const writer = await spawnAndStream(editor)
  await queue(editor, writer)
  await pauseAndApprove(editor, writer)
  await readTranscript(editor, writer)
  await search(editor, writer)
  const holder = await cancelRequests(editor)
  await cancelKillResume(editor, holder)
  await countThem(editor)
  await review(editor, writer)
  await fail(editor)
  await log(editor, writer)
  await replay(editor, writer)
  await compact(editor, writer)
  await remove(editor, writer)
  await editor.end()
  return methods
}

// Nothing but what LSP has: dialogs and progress.
async function asPlainEditor() {
  const editor = new Editor()
  const progress = new Map()
  editor.connection.onRequest('window/showMessageRequest', ({ actions }) => {
    assert.equal(actions.length, 4)
    return actions.find(({ title }) => title === 'Allow')
  })
  editor.connection.onRequest('window/workDoneProgress/create', ({ token }) => {
    progress.set(token, [])
    editor.connection.onProgress(new rpc.ProgressType(), token, (value) => {
      progress.get(token).push(value.kind)
      editor.look()
    })
    return null
  })
  await editor.initialize({ capabilities: { window: { workDoneProgress: true } } })
  const shown = ({ id }) => progress.get(`swarm/${id}`) ?? []
  const begun = (agent) => editor.wait('its beginning', () => shown(agent)[0] === 'begin')
  const ended = (agent) => editor.wait('its end', () => shown(agent).at(-1) === 'end')
  const { agent: writer } = await editor.request('swarm/spawn', { task: 'plain: write' })
  await editor.state(writer.id, 'done')
  const { agent: holder } = await editor.request('swarm/spawn', { task: 'plain: hold' })
  await begun(holder)
  await editor.state(holder.id, 'working') // before, there is no turn that could be cancelled
  await editor.notify('window/workDoneProgress/cancel', { token: `swarm/${holder.id}` })
  assert.equal((await editor.turnEnd(holder.id, 1)).stopReason, 'cancelled')
  await ended(holder)
  await editor.end()
}

const methods = await asSwarmEditor()
await asPlainEditor()
console.log(`methods ${methods.join(' ')}`)
