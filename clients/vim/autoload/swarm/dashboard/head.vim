" SPDX-License-Identifier: MIT
" What the dashboard says besides its agents: the header with totals, warnings, and what to do when
" there is no agent.
"
"   swarm#dashboard#head#line(view)       the first line
"   swarm#dashboard#head#keys()           the line of keys
"   swarm#dashboard#head#warnings(view)   what is wrong, '' when nothing is
"   swarm#dashboard#head#empty(view)      the lines that stand where no agent does
"
" view is {model (see model.vim), tokens, cost, filter, sort, session, marked, problem, stats}.
scriptencoding utf-8

let s:KEYS = '<CR> open  n new  s send  a/A answer  d diff  m merge  <Space> mark  f filter  g? all keys'
let s:sandboxes = {'off': 'the sandbox is off', 'weak': 'the sandbox is weak here'}

function! swarm#dashboard#head#line(view) abort
  let model = a:view.model
  let parts = [swarm#util#plural(model.shown, 'agent')]
  for group in range(len(model.counts))
    if model.counts[group]
      call add(parts, model.counts[group] .. ' ' .. tolower(swarm#dashboard#model#title(group)))
    endif
  endfor
  call add(parts, a:view.tokens ? swarm#util#count(a:view.tokens) .. ' tokens' : '')
  call add(parts, a:view.cost > 0 ? swarm#util#cost(a:view.cost) : '')
  call add(parts, a:view.session ? 'this session only' : '')
  call add(parts, empty(a:view.filter) ? '' : printf('filter "%s" (%d of %d)', a:view.filter, model.shown, model.total))
  call add(parts, a:view.sort ==# 'age' ? '' : 'by ' .. a:view.sort)
  call add(parts, a:view.marked ? a:view.marked .. ' marked' : '')
  return {'text': ' Swarm  ' .. join(filter(parts, '!empty(v:val)'), ' · '), 'spans': [[1, 5, 'SwarmTitle']]}
endfunction

function! swarm#dashboard#head#keys() abort
  return {'text': ' ' .. s:KEYS, 'spans': [[1, len(s:KEYS), 'SwarmDim']]}
endfunction

function! swarm#dashboard#head#warnings(view) abort
  let warnings = empty(a:view.problem) ? [] : [a:view.problem .. '. R tries again.']
  for provider in get(a:view.stats, 'providers', [])
    if get(provider, 'breaker', 'closed') !=# 'closed'
      call add(warnings, provider.name .. ' is out of reach')
    elseif get(provider, 'quota', 'ok') !=# 'ok'
      call add(warnings, provider.name .. ': the quota is used up')
    endif
  endfor
  let sandbox = get(get(a:view.stats, 'sandbox', {}), 'state', '')
  if has_key(s:sandboxes, sandbox)
    call add(warnings, s:sandboxes[sandbox])
  endif
  if get(a:view.model, 'overlaps') > 1
    call add(warnings, a:view.model.overlaps .. ' agents change the same files')
  endif
  return swarm#util#one_line(join(warnings, ' · '))
endfunction

function! swarm#dashboard#head#empty(view) abort
  if !empty(a:view.problem)
    return ['', ' ' .. swarm#util#one_line(a:view.problem), ' R tries again; :Swarm health looks for what is wrong.']
  elseif !swarm#state#loaded()
    return ['', ' Asking the server ...']
  elseif get(a:view.model, 'total')
    return ['', ' No agent is shown: ' .. (empty(a:view.filter) ? 'none was started in this session. S shows all.'
          \ : 'none matches the filter. F shows all.')]
  endif
  return ['', ' No agents yet.', ' n, or :SwarmNew {task}, starts one in a worktree and branch of its own;',
        \ ' your own files stay as they are. See :help swarm.']
endfunction
