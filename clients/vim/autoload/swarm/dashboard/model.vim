" SPDX-License-Identifier: MIT
" Which agents the dashboard shows, and in which order: groups, children under their parents, filter,
" scope and sort. It knows no buffer.
"
"   swarm#dashboard#model#group(state)   the index of a state's group
"   swarm#dashboard#model#title(group)   its title
"   swarm#dashboard#model#build(agents, options)
"       options: {filter: [words], scope: 'all' or a scope, sort}. The result is
"       {groups: [[[id, depth], ...] of each group], counts: [...], total, shown, overlaps: how many
"       share files}

let s:titles = ['Needs input', 'Working', 'Done', 'Failed', 'Detached']
let s:group_of = {'waiting': 0, 'blocked': 0, 'working': 1, 'starting': 1, 'queued': 1, 'idle': 1, 'paused': 1,
      \ 'done': 2, 'failed': 3, 'killed': 3, 'detached': 4}

function! swarm#dashboard#model#group(state) abort
  return get(s:group_of, a:state, 1)
endfunction

function! swarm#dashboard#model#title(group) abort
  return s:titles[a:group]
endfunction

" What a line is found by: every word must be somewhere in these.
function! s:matches(agent, words) abort
  let text = tolower(join([a:agent.id, get(a:agent, 'name', ''), a:agent.state, get(a:agent, 'task', ''),
        \ get(a:agent, 'provider', '') .. '/' .. get(a:agent, 'model', ''), get(a:agent, 'role', ''),
        \ get(a:agent, 'repository', ''), get(a:agent, 'branch', '')], "\n"))
  for word in a:words
    if stridx(text, word) < 0
      return v:false
    endif
  endfor
  return v:true
endfunction

function! s:chosen(agents, options) abort
  let chosen = values(a:agents)
  if a:options.scope !=# 'all'
    call filter(chosen, 'get(v:val, "scope", "") ==# a:options.scope')
  endif
  if !empty(a:options.filter)
    call filter(chosen, 's:matches(v:val, a:options.filter)')
  endif
  return chosen
endfunction

function! s:usage(agent, name) abort
  return get(get(a:agent, 'usage', {}), a:name)
endfunction

" A text that sorts as the agents shall, so that sort() does the work by itself.
function! s:key(agent, sort) abort
  if a:sort ==# 'name'
    return swarm#state#name(a:agent)
  elseif a:sort ==# 'cost'
    return printf('%020.6f', 1000000.0 - s:usage(a:agent, 'costUsd'))
  elseif a:sort ==# 'tokens'
    return printf('%020d', 1000000000000 - swarm#state#tokens(a:agent))
  endif
  " The newest first: what a digit lacks to nine grows with age.
  let time = get(a:agent, a:sort ==# 'activity' ? 'updatedAt' : 'createdAt', '')
  return tr(time, '0123456789', '9876543210')
endfunction

function! s:sorted(agents, sort) abort
  let lines = []
  for agent in a:agents
    call add(lines, s:key(agent, a:sort) .. "\t" .. agent.id)
  endfor
  return map(sort(lines), 'v:val[strridx(v:val, "\t") + 1 :]')
endfunction

" Depth first; a circle, which the protocol does not have, does not go on for ever.
function! s:add_tree(id, depth, children, into) abort
  call add(a:into, [a:id, a:depth])
  if a:depth < 8
    for child in get(a:children, a:id, [])
      call s:add_tree(child, a:depth + 1, a:children, a:into)
    endfor
  endif
endfunction

" A family is where its parent is, unless one of it needs a person.
function! s:family_group(id, agents, children, depth) abort
  let group = swarm#dashboard#model#group(a:agents[a:id].state)
  if group > 0 && a:depth < 8
    for child in get(a:children, a:id, [])
      if s:family_group(child, a:agents, a:children, a:depth + 1) == 0
        return 0
      endif
    endfor
  endif
  return group
endfunction

function! swarm#dashboard#model#build(agents, options) abort
  let chosen = s:chosen(a:agents, a:options)
  let there = {}
  let result = {'groups': [[], [], [], [], []], 'counts': [0, 0, 0, 0, 0], 'total': len(a:agents),
        \ 'shown': len(chosen), 'overlaps': 0}
  for agent in chosen
    let there[agent.id] = v:true
    let result.counts[swarm#dashboard#model#group(agent.state)] += 1
    let result.overlaps += !empty(get(agent, 'overlaps', []))
  endfor
  let roots = []
  let children = {}
  for id in s:sorted(chosen, a:options.sort)
    let parent = get(a:agents[id], 'parentId', '')
    if empty(parent) || !has_key(there, parent)
      call add(roots, id)
    else
      let children[parent] = get(children, parent, []) + [id]
    endif
  endfor
  for id in roots
    let group = empty(children) ? swarm#dashboard#model#group(a:agents[id].state)
          \ : s:family_group(id, a:agents, children, 0)
    call s:add_tree(id, 0, children, result.groups[group])
  endfor
  return result
endfunction
