" SPDX-License-Identifier: MIT
" Answers to what agents ask. From a transcript or the dashboard the agent's oldest question is shown
" and answered; the inbox (approval/inbox.vim) has those of all.
scriptencoding utf-8

let s:text = function('swarm#items#text#of')

" The answers to a question: [[label, decision], ...]. Those for always say what they would make, and
" are left out where nothing would be kept.
function! swarm#approval#choices(approval) abort
  let choices = [['Allow once', 'allow']]
  for [what, label, decision] in [['allow', 'Allow always', 'allowAlways'], ['', 'Reject', 'reject'],
        \ ['reject', 'Reject always', 'rejectAlways']]
    let rules = what ==# '' ? '' : swarm#approval#text#rules(a:approval, what)
    if what ==# '' || rules !=# ''
      call add(choices, [label . (rules ==# '' ? '' : ': ' . rules), decision])
    endif
  endfor
  return choices
endfunction

function! s:decided(approval, decision, error, result) abort
  if !empty(a:error)
    return swarm#ui#report(a:error, 'the answer was not taken')
  endif
  let given = a:result.approval
  if s:text(given, 'decision') !=# a:decision
    let by = s:text(given, 'by')
    call swarm#ui#info(printf('already answered by %s: %s', by ==# '' ? 'somebody else' : by, s:text(given, 'decision')))
  endif
  call swarm#event#emit('answered', a:approval)
endfunction

" more: `reason` or `input` of the protocol.
function! swarm#approval#decide(approval, decision, more) abort
  call swarm#rpc#request('swarm/approve', extend({'approvalId': a:approval.id, 'decision': a:decision}, a:more),
        \ function('s:decided', [a:approval, a:decision]))
endfunction

" Asks why not, and rejects; Done() is called before, and when it is given up.
function! swarm#approval#ask_why(approval, decision, Done) abort
  call swarm#ui#input({'prompt': 'Reject; what should it know or do instead? '},
        \ function('s:took_reason', [a:approval, a:decision, a:Done]))
endfunction

function! s:took_reason(approval, decision, Done, reason) abort
  call a:Done()
  if type(a:reason) == v:t_string
    call swarm#approval#decide(a:approval, a:decision, trim(a:reason) ==# '' ? {} : {'reason': trim(a:reason)})
  endif
endfunction

function! s:chosen(approval, Done, choice, index) abort
  call a:Done()
  if a:index >= 0
    call swarm#approval#decide(a:approval, a:choice[1], {})
  endif
endfunction

let s:AROUND = 20 " lines of the screen that are not for what is asked about

" The question as lines of a window that floats and cannot be scrolled: the transcript has it all.
function! s:lines(approval) abort
  let lines = [swarm#approval#text#title(a:approval)]
  let detail = swarm#approval#text#detail(a:approval, '')
  let most = max([5, &lines - s:AROUND])
  if len(detail) > most + 1
    let detail = detail[: most - 1] + [printf('… %d more lines: the transcript shows them', len(detail) - most)]
  endif
  let lines += empty(detail) ? [] : [''] + detail
  let lines += ['', s:text(a:approval, 'why')] + swarm#approval#text#always(a:approval, '')
  return map(lines, 'type(v:val) == v:t_dict ? v:val.text : v:val')
endfunction

function! s:got(allow, ids, error, result) abort
  if !empty(a:error) || empty(a:result.approvals)
    if empty(a:error)
      call swarm#ui#info(a:ids[0] . ' asks nothing')
    else
      call swarm#ui#report(a:error, '')
    endif
    return s:answer(a:ids[1:], a:allow)
  endif
  let approval = a:result.approvals[0]
  let options = has_key(approval, 'patch') ? {'filetype': 'diff'} : {}
  let window = swarm#editor#call('float', s:lines(approval), options)
  let Close = {-> [swarm#editor#call('close', window), timer_start(0, {-> s:answer(a:ids[1:], a:allow)})]}
  if !a:allow
    return swarm#approval#ask_why(approval, 'reject', Close)
  endif
  call swarm#ui#select(swarm#approval#choices(approval), {'kind': 'swarm-approval', 'format': {item -> item[0]},
        \ 'prompt': 'Answer ' . get(approval, 'agentName', approval.agentId) . ':'},
        \ function('s:chosen', [approval, Close]))
endfunction

" Shows the oldest open question of each agent, one after the other; allow: asks how to allow it, else
" why not to.
function! s:answer(ids, allow) abort
  if !empty(a:ids)
    call swarm#rpc#request('swarm/get', {'agentId': a:ids[0]}, function('s:got', [a:allow, a:ids]))
  endif
endfunction

" Of :Swarm, see command.vim.
function! swarm#approval#approve(ids, words, command) abort
  call s:answer(a:ids, 1)
endfunction

function! swarm#approval#reject(ids, words, command) abort
  call s:answer(a:ids, 0)
endfunction

function! swarm#approval#inbox(words, command) abort
  call swarm#approval#inbox#show(a:command.modifiers)
endfunction

" How many questions are open, for a status line.
function! swarm#approval#count() abort
  let open = 0
  for agent in values(swarm#state#agents())
    let open += swarm#items#text#number(agent, 'approvals')
  endfor
  return open
endfunction
