" SPDX-License-Identifier: MIT
" A question of an agent as lines: what is asked, with the patch or the input, and what an answer
" for always would be kept as. Pure.

let s:text = function('swarm#items#text#of')

function! swarm#approval#text#title(approval) abort
  let title = s:text(a:approval, 'title')
  let title = title !=# '' ? title : s:text(a:approval, 'tool')
  return swarm#util#one_line(title !=# '' ? title : 'May I?')
endfunction

" The rules of the protocol that `allow` or `reject` for always makes; '' for none.
function! swarm#approval#text#rules(approval, what) abort
  let remember = get(a:approval, 'remember', {})
  let rules = type(remember) == v:t_dict ? get(remember, a:what, []) : []
  return type(rules) == v:t_list ? join(map(copy(rules), 'swarm#util#one_line(v:val)'), ', ') : ''
endfunction

function! s:input(approval) abort
  let input = get(a:approval, 'editedInput', get(a:approval, 'input', {}))
  if type(input) != v:t_dict
    return type(input) == v:t_string ? input : ''
  endif
  for key in ['command', 'content']
    if s:text(input, key) !=# ''
      return input[key]
    endif
  endfor
  return join(map(sort(keys(input)), 'v:val . ": " . json_encode(input[v:val])'), "\n")
endfunction

" The lines below the title, with spans. A command of one line is the title already.
function! swarm#approval#text#detail(approval, indent) abort
  let patch = s:text(a:approval, 'patch')
  if patch !=# ''
    let lines = swarm#items#text#whole(swarm#util#terminal(patch))
    return swarm#review#patch#lines(lines, a:indent)
  endif
  let input = s:input(a:approval)
  if input ==# '' || stridx(swarm#approval#text#title(a:approval), input) >= 0
    return []
  endif
  let lines = swarm#items#text#whole(swarm#util#terminal(input))
  return map(lines, 'v:val ==# "" ? "" : {"text": a:indent . v:val, "spans": []}')
endfunction

" What the answers for always would make, a line each.
function! swarm#approval#text#always(approval, indent) abort
  let lines = []
  for [what, words] in [['allow', 'Allow always: '], ['reject', 'Reject always: ']]
    let rules = swarm#approval#text#rules(a:approval, what)
    if rules !=# ''
      let text = a:indent . words . rules
      call add(lines, {'text': text, 'spans': [[0, strlen(text), 'SwarmDim']]})
    endif
  endfor
  return lines
endfunction
