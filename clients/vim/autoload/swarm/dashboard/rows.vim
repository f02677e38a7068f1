" SPDX-License-Identifier: MIT
" From one order of rows to another with as few changes to the buffer as may be. A row is a name: an
" agent's id, or what else stands there.
"
"   swarm#dashboard#rows#move(bufnr, old, new, movers, Line)   movers: {row: anything} that are known to
"        have moved. Line(row) is what buffer.vim takes. Rows that stay in their order are not touched

" Which of the old rows are not there any more, or not in the order of the new ones: greedily, so that
" of an agent that moved up or down only itself is moved.
function! s:out_of_order(old, new, movers) abort
  let place = {}
  for at in range(len(a:new))
    let place[a:new[at]] = at
  endfor
  let moved = copy(a:movers)
  let kept = []
  for row in a:old
    if !has_key(place, row)
      let moved[row] = v:true
    elseif !has_key(moved, row)
      call add(kept, row)
    endif
  endfor
  let highest = -1
  for at in range(len(kept))
    let now = place[kept[at]]
    let next = at + 1 < len(kept) ? place[kept[at + 1]] : now + 1
    if now < highest || (now > next && next > highest)
      let moved[kept[at]] = v:true
    else
      let highest = now
    endif
  endfor
  return moved
endfunction

" From the end, so that lines before keep their numbers.
function! s:take_out(bufnr, old, moved) abort
  let lnum = len(a:old)
  while lnum > 0
    let last = lnum
    while lnum > 0 && has_key(a:moved, a:old[lnum - 1])
      let lnum -= 1
    endwhile
    if lnum < last
      call swarm#buffer#splice(a:bufnr, lnum + 1, last - lnum, [])
    endif
    let lnum -= 1
  endwhile
endfunction

function! s:put_in(bufnr, stayed, new, Line) abort
  let at = 0
  while at < len(a:new)
    let first = at
    while at < len(a:new) && !has_key(a:stayed, a:new[at])
      let at += 1
    endwhile
    if at > first
      call swarm#buffer#splice(a:bufnr, first + 1, 0, map(a:new[first : at - 1], {_, row -> a:Line(row)}))
    endif
    let at += 1
  endwhile
endfunction

function! swarm#dashboard#rows#move(bufnr, old, new, movers, Line) abort
  let moved = s:out_of_order(a:old, a:new, a:movers)
  let stayed = {}
  for row in a:old
    if !has_key(moved, row)
      let stayed[row] = v:true
    endif
  endfor
  call s:take_out(a:bufnr, a:old, moved)
  call s:put_in(a:bufnr, stayed, a:new, a:Line)
endfunction
