" SPDX-License-Identifier: MIT
" The dashboard's lines: from an agent to text, nothing else.
"
"   swarm#dashboard#lines#plan(width, files)   which columns there are, and how wide; files: has any
"                                              agent changed one?
"   swarm#dashboard#lines#agent(agent, depth, marked, now, plan)   its line, as buffer.vim takes it
"
" One printf() makes most of a line: with 1,000 agents of which 100 stream this is what counts.
scriptencoding utf-8

let s:utf8 = &encoding ==# 'utf-8'
let s:BAR = 5 " cells of the context bar
let s:bars = map(range(s:BAR + 1), 'repeat(s:utf8 ? "━" : "=", v:val) .. repeat(s:utf8 ? "╌" : "-", s:BAR - v:val)')
let s:no_bar = repeat(' ', s:BAR)
let s:FULL = 80 " percent of the context from which on the bar warns

" Columns give way from the right side's least important on, so that what is done keeps its place.
function! swarm#dashboard#lines#plan(width, files) abort
  let plan = {'width': a:width, 'name': a:width < 60 ? 14 : 20 + min([8, max([0, (a:width - 80) / 10])]),
        \ 'cost': a:width >= 76, 'bar': a:width >= 70, 'files': a:files && a:width >= 96,
        \ 'model': a:width >= 140 ? 18 : a:width >= 110 ? 12 : 0}
  " Age and tokens, the counts at the end, and what is between the columns.
  let rest = 1 + 2 + plan.name + 1 + 5 + 7 + 6
  let rest += plan.cost * 8 + plan.bar * (s:BAR + 1) + plan.files * 13 + (plan.model ? plan.model + 1 : 0)
  let plan.activity = max([8, a:width - rest])
  return plan
endfunction

function! s:activity(agent) abort
  let text = get(a:agent, 'activity', '')
  if empty(text)
    let text = get(get(a:agent, 'error', {}), 'message', '')
  endif
  if empty(text)
    let text = get(a:agent, 'task', '')
    let reason = swarm#sign#reason(a:agent)
    let text = empty(reason) ? text : reason .. ': ' .. text
  elseif stridx(text, 'waiting: ') == 0
    let text = text[9:]
  endif
  return text =~# '[[:cntrl:]]' ? substitute(text, '[[:cntrl:]]\+', ' ', 'g') : text
endfunction

function! s:files(agent) abort
  let changes = get(a:agent, 'changes', {})
  return empty(changes) || !get(changes, 'files') ? '' : printf('%d +%s -%s', changes.files,
        \ swarm#util#count(get(changes, 'added')), swarm#util#count(get(changes, 'removed')))
endfunction

" How much of the model's context is in use, in percent; -1 when that is not known.
function! s:context(usage) abort
  let size = get(a:usage, 'contextSize')
  return size ? min([100, get(a:usage, 'contextUsed') * 100 / size]) : -1
endfunction

" cells: the text cut or filled, with the sign of a cut.
function! s:cell(text, width) abort
  return strdisplaywidth(a:text) <= a:width ? printf('%-*S', a:width, a:text)
        \ : printf('%-*.*S', a:width - 1, a:width - 1, a:text) .. '…'
endfunction

function! s:model(agent, width) abort
  return ' ' .. s:cell(get(a:agent, 'provider', '') ==# 'demo' ? 'a script' : get(a:agent, 'model', ''), a:width)
endfunction

function! swarm#dashboard#lines#age(agent, now) abort
  let created = swarm#util#seconds(get(a:agent, 'createdAt', ''))
  return created is v:null ? '' : swarm#util#duration(a:now - created)
endfunction

function! swarm#dashboard#lines#agent(agent, depth, marked, now, plan) abort
  let usage = get(a:agent, 'usage', {})
  let sign = swarm#sign#of(a:agent)
  let indent = (a:marked ? '*' : ' ') .. repeat('  ', a:depth)
  let head = indent .. sign .. ' ' .. s:cell(swarm#state#name(a:agent), max([4, a:plan.name - 2 * a:depth])) .. ' '
  let activity = s:cell(s:activity(a:agent), a:plan.activity)
  let tokens = get(usage, 'inputTokens') + get(usage, 'outputTokens')
  let numbers = (a:plan.model ? s:model(a:agent, a:plan.model) : '')
        \ .. printf(' %4s %6s', swarm#dashboard#lines#age(a:agent, a:now), tokens ? swarm#util#count(tokens) : '')
        \ .. (a:plan.cost ? printf(' %7s', swarm#util#cost(get(usage, 'costUsd', v:null))) : '')
  let text = head .. activity .. numbers
  let group = swarm#sign#group(a:agent.state)
  let spans = [[len(indent), len(sign), group], [len(head) + len(activity), len(numbers), 'SwarmDim']]
  if group ==# 'SwarmWaiting' || group ==# 'SwarmFailed'
    call add(spans, [len(head), len(activity), group])
  endif
  if a:marked
    call add(spans, [0, 1, 'SwarmMarked'])
  endif
  let text = s:add_bar(text, spans, usage, a:plan)
  let text = s:add_files(text, spans, a:agent, a:plan)
  let counts = (get(a:agent, 'queued') ? ' ' .. a:agent.queued .. 'q' : '')
        \ .. (get(a:agent, 'approvals') ? ' ' .. a:agent.approvals .. '?' : '')
  if !empty(counts)
    call add(spans, [len(text), len(counts), 'SwarmWaiting'])
    let text ..= counts
  endif
  let text = substitute(text, '\s\+$', '', '')
  return {'text': text, 'spans': filter(spans, 'v:val[0] + v:val[1] <= len(text)')}
endfunction

function! s:add_bar(text, spans, usage, plan) abort
  if !a:plan.bar
    return a:text
  endif
  let percent = s:context(a:usage)
  let bar = percent < 0 ? s:no_bar : s:bars[(percent * s:BAR + 50) / 100]
  if percent >= 0
    call add(a:spans, [len(a:text) + 1, len(bar), percent >= s:FULL ? 'SwarmBarFull' : 'SwarmBar'])
  endif
  return a:text .. ' ' .. bar
endfunction

function! s:add_files(text, spans, agent, plan) abort
  if !a:plan.files
    return a:text
  endif
  let files = s:files(a:agent)
  let plus = stridx(files, '+')
  if plus > 0
    let minus = stridx(files, '-')
    call add(a:spans, [len(a:text) + 1 + plus, minus - plus - 1, 'SwarmAdded'])
    call add(a:spans, [len(a:text) + 1 + minus, len(files) - minus, 'SwarmRemoved'])
  endif
  return a:text .. printf(' %-12s', files)
endfunction
